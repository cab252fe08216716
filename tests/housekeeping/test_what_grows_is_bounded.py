"""The page for operators says of each table what bounds it, and the sweep does what it says."""

import re
from datetime import timedelta

from django.apps import apps
from django.db.models import Model

from exports import clock
from exports.housekeeping import expired_rows
from exports.housekeeping.sweep import sweep
from exports.models import Event, IdempotencyKey, OutboxMessage, Rollup
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.processes import ROOT


def bounds() -> dict[str, str]:
    """What the page says by the name of the model."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    section = page.partition("\n## What grows, and what bounds it\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def test_each_table_has_its_line_and_no_other() -> None:
    names = {model.__name__ for model in apps.get_models()}
    assert set(bounds()) == names
    assert all(len(text) > 5 for text in bounds().values())


def age(model: type[Model], column: str, pk: object, days: float) -> None:
    model._default_manager.filter(pk=pk).update(**{column: clock.now() - timedelta(days=days)})


def test_old_events_go_unless_a_message_about_them_waits(cast: Cast) -> None:
    young, old, waiting, untold = (factories.failed_export(cast) for _ in range(4))
    events = {export.pk: Event.objects.get(export=export) for export in (young, old, waiting, untold)}
    Event.objects.exclude(export=untold).update(fanned_out_at=clock.now())
    for export in (old, waiting, untold):
        age(Event, "at", events[export.pk].pk, 61)
    OutboxMessage.objects.create(
        team=cast.team, event=events[waiting.pk], kind="mail", user=cast.member.user, key="x", due_at=clock.now()
    )
    sweep()
    assert set(Event.objects.values_list("export", flat=True)) == {young.pk, waiting.pk, untold.pk}


def test_old_idempotency_keys_go(cast: Cast) -> None:
    export = factories.waiting_export(cast)
    for number in range(3):
        IdempotencyKey.objects.create(member=cast.member, key=str(number), digest="d", export=export)
    age(IdempotencyKey, "created_at", IdempotencyKey.objects.get(key="0").pk, 31)
    sweep()
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"1", "2"}


def test_rows_of_totals_are_summed_up(cast: Cast) -> None:
    for _ in range(10):
        factories.failed_export(cast)
    before = Rollup.totals()
    sweep()
    assert Rollup.objects.count() == len(before)
    assert Rollup.totals() == before


def test_a_sweep_ends_in_time_however_much_there_is(cast: Cast) -> None:
    assert expired_rows.SECONDS <= 5
    assert expired_rows.delete_old_calls() == 0

"""What the preview of a rule said is what goes, over random histories; the history says by which rule."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.exporting import purge, retention_rules
from exports.exporting.retention_preview import preview
from exports.models import AuditEntry, Change, Export, File, Team
from exports.storage import files
from exports.storage.retention import Rule
from exports.storage.retention_plan import rules_of
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

number = st.none() | st.integers(1, 3)
rules = st.builds(
    Rule,
    keep_last=number,
    keep_days=st.none() | st.integers(1, 60),
    keep_daily=number,
    keep_weekly=number,
    keep_monthly=number,
    max_bytes=st.none() | st.integers(1, 200),
)
histories = st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.booleans(), st.booleans()), max_size=12)


def keep(cast: Cast, *, days: float = 0, pinned: bool = False, damaged: bool = False, **more: Any) -> Export:
    """A succeeded export whose file was verified so many days ago."""
    export = factories.succeeded_export(cast, allow_duplicate=True, **more)
    at = timezone.now() - timedelta(days=days)
    marks = {"pinned_at": at if pinned else None, "damaged_at": at if damaged else None}
    File.objects.filter(export=export).update(verified_at=at, **marks)
    export.refresh_from_db()
    return export


def kept_exports(team: Team) -> set[int]:
    return set(Export.objects.filter(team=team, file__deleted_at=None, file__isnull=False).values_list("pk", flat=True))


def clear(team: Team) -> None:
    File.objects.filter(team=team).update(deleted_at=timezone.now())
    Team.objects.filter(pk=team.pk).update(kept_bytes=0, kept_files=0)


@pytest.mark.slow(seconds=20)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, rule=rules, own=st.none() | rules)
def test_what_the_preview_said_is_what_goes(
    cast: Cast, history: list[tuple[int, bool, bool, bool]], rule: Rule, own: Rule | None
) -> None:
    clear(cast.team)
    one, other = cast.project(TABLES), cast.project(TABLES, remote_id="4002")
    for days, pinned, damaged, elsewhere in history:
        keep(cast, days=days, pinned=pinned and damaged, damaged=damaged, project=other if elsewhere else one)
    retention_rules.set_project_rule(other, cast.owner.user, own)
    before = kept_exports(cast.team)

    said = preview(cast.team, rule, limit=100)
    retention_rules.set_team_rule(cast.team, cast.owner.user, rule)
    done = purge.purge(cast.team)

    gone = before - kept_exports(cast.team)
    assert gone == {file.export.pk for file in said.files}
    assert (done.files, done.bytes) == (said.count, said.bytes)
    cast.team.refresh_from_db()
    kept = File.objects.filter(team=cast.team, deleted_at=None)
    assert cast.team.kept_files == kept.count()
    assert cast.team.kept_bytes == (kept.aggregate(sum=Sum("size"))["sum"] or 0)
    assert not File.objects.filter(export__in=gone, pinned_at__isnull=False).exists()


def test_history_says_by_which_rule_a_file_went(cast: Cast) -> None:
    old, new = keep(cast, days=9), keep(cast, days=1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    assert old.file is not None
    assert files.path_of(old.file).exists()
    purge.purge(cast.team)
    assert kept_exports(cast.team) == {new.pk}
    old.refresh_from_db()
    assert old.file is not None
    assert not files.path_of(old.file).exists()
    assert old.status == "succeeded"
    assert old.file.deleted_because == "By the team's retention rule (keep_last). Keeps the last 1."
    row = Change.objects.filter(export=old).latest("seq")
    assert (row.from_status, row.to_status, row.source) == ("succeeded", "succeeded", "worker")
    assert "keep_last" in row.note
    assert old.file.sha256 in row.note
    assert AuditEntry.objects.filter(team=cast.team, verb="deleted file", target="1 files by retention").exists()


def test_a_file_that_became_the_last_good_one_meanwhile_stays(cast: Cast) -> None:
    old, new = keep(cast, days=9), keep(cast, days=1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    rules, gone = rules_of(cast.team), purge.what_goes(rules_of(cast.team), timezone.now())
    assert [one.file.export_id for one in gone] == [old.pk]
    File.objects.filter(export=new).update(damaged_at=timezone.now())
    assert purge._delete(rules, gone).files == 0


def test_a_file_that_was_pinned_meanwhile_stays(cast: Cast) -> None:
    old, _ = keep(cast, days=9), keep(cast, days=1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    rules, gone = rules_of(cast.team), purge.what_goes(rules_of(cast.team), timezone.now())
    File.objects.filter(export=old).update(pinned_at=timezone.now())
    assert purge._delete(rules, gone).files == 0


def test_a_projects_rule_replaces_the_teams(cast: Cast) -> None:
    keep(cast, days=9), keep(cast, days=1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    retention_rules.set_project_rule(cast.project(TABLES), cast.owner.user, Rule())
    assert purge.purge(cast.team).files == 0
    retention_rules.set_project_rule(cast.project(TABLES), cast.owner.user, None)
    assert purge.purge(cast.team).files == 1


def test_the_command_prints_what_would_go_and_why(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    old, _ = keep(cast, days=9), keep(cast, days=1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_days=3))
    call_command("purge", dry_run=True, team=cast.team.slug)
    printed = capsys.readouterr().out
    assert f"the-team: export {old.pk}, orders.csv, 26 bytes: keep_days\n" in printed
    assert len(kept_exports(cast.team)) == 2
    call_command("purge")
    assert "the-team: deleted 1 file, 26 bytes." in capsys.readouterr().out
    assert old.pk not in kept_exports(cast.team)


def test_the_command_takes_no_unknown_team(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no team nobody") as exit_:
        call_command("purge", team="nobody")
    assert exit_.value.returncode == 2

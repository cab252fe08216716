"""While a team, a credential or a project is paused, nothing new is asked for, and the refusal names it."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.errors import PausedError
from exports.exporting import bulk, pauses
from exports.exporting.actions import adopt, retry
from exports.exporting.create import Requester
from exports.exporting.pauses import Pausable
from exports.models import AuditEntry, Export, Project
from tests.helpers.cast import Cast
from tests.helpers.factories import failed_export, waiting_export
from tests.helpers.roles import CHANGING, TABLES

PAUSABLE: dict[str, Callable[[Project], Pausable]] = {
    "team The Team": lambda project: project.team,
    f"credential {TABLES}": lambda project: project.credential,
    f"project The {TABLES} one": lambda project: project,
}


@pytest.mark.parametrize("name", PAUSABLE)
def test_nothing_new_is_asked_for_until_it_is_resumed(cast: Cast, name: str) -> None:
    export = failed_export(cast)
    paused, requester = PAUSABLE[name](export.project), Requester(cast.member.user)
    pauses.pause(paused, cast.owner.user)
    export = Export.objects.with_related().get(pk=export.pk)
    assert pauses.why_paused(export.project).startswith(f"The {name}")
    asks: list[Callable[[], Export]] = [
        lambda: waiting_export(cast),
        lambda: retry(export, requester),
        lambda: adopt(export, "7", requester),
    ]
    for ask in asks:
        with pytest.raises(PausedError, match=f"^The {name}.* is paused: nothing new runs"):
            ask()
    [(_, reason)] = bulk.retry([export], requester).skipped
    assert "is paused" in reason
    pauses.resume(paused, cast.owner.user)
    assert retry(export, requester).is_open


def test_what_runs_goes_on(cast: Cast) -> None:
    export = waiting_export(cast)
    before = (export.status, export.next_step_at)
    pauses.pause(export.project, cast.member.user)
    export.refresh_from_db()
    assert (export.status, export.next_step_at) == before


def test_who_paused_and_resumed_is_recorded_once(cast: Cast) -> None:
    credential = cast.credential(CHANGING)
    for act in (pauses.pause, pauses.pause, pauses.resume, pauses.resume):
        act(credential, cast.owner.user)
    entries = AuditEntry.objects.filter(verb__in=["paused", "resumed"]).order_by("pk")
    assert list(entries.values_list("verb", "target", "actor")) == [
        ("paused", f"credential {CHANGING} ({CHANGING})", "owner@example.org"),
        ("resumed", f"credential {CHANGING} ({CHANGING})", "owner@example.org"),
    ]


def test_pausing_again_keeps_the_time_of_the_first_pause(cast: Cast) -> None:
    project = cast.project(TABLES)
    pauses.pause(project, cast.member.user)
    at = project.paused_at
    pauses.pause(project, cast.member.user)
    assert project.paused_at == at is not None


def test_the_reason_needs_no_query_where_team_and_credential_are_loaded(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    cast.project(TABLES)
    project = Project.objects.select_related("credential", "team").get()
    with django_assert_num_queries(0):
        assert pauses.why_paused(project) == ""

"""Whoever removes a member, or makes them a viewer, can take their schedules over in the same step."""

import pytest
from django.test import Client

from exports.models import AuditEntry, Event, Member, Schedule
from exports.models.team import MEMBER, VIEWER
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule


@pytest.fixture
def schedule(cast: Cast) -> Schedule:
    return make_schedule(cast.project(TABLES), cast.member)


def page_of(cast: Cast, verb: str = "") -> str:
    return f"/t/the-team/members/{cast.member.pk}/{verb}"


@pytest.mark.parametrize(("verb", "values"), [("remove", {}), ("role", {"role": VIEWER})])
def test_they_go_on_under_the_new_owner(
    as_owner: Client, cast: Cast, schedule: Schedule, verb: str, values: dict[str, str]
) -> None:
    assert "Take over 1 schedule so it keeps running" in as_owner.get(page_of(cast)).content.decode()
    before = schedule.next_run_at
    assert as_owner.post(page_of(cast, verb), values | {"take_over": "yes"}).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.owner, schedule.next_run_at) == (True, cast.owner.user, before)
    assert AuditEntry.objects.filter(verb="took over", user=cast.owner.user).count() == 1
    assert not Event.objects.exists()


@pytest.mark.parametrize(("verb", "values"), [("remove", {}), ("role", {"role": VIEWER})])
def test_without_the_choice_they_stop(
    as_owner: Client, cast: Cast, schedule: Schedule, verb: str, values: dict[str, str]
) -> None:
    as_owner.post(page_of(cast, verb), values)
    schedule.refresh_from_db()
    assert not schedule.enabled


def test_a_role_that_may_export_leaves_them_with_their_owner(as_owner: Client, cast: Cast, schedule: Schedule) -> None:
    as_owner.post(page_of(cast, "role"), {"role": "owner", "take_over": "yes"})
    schedule.refresh_from_db()
    assert schedule.owner == cast.member.user


def test_nothing_is_taken_over_where_the_member_stays(as_member: Client, cast: Cast, schedule: Schedule) -> None:
    assert as_member.post(page_of(cast, "remove"), {"take_over": "yes"}).status_code == 403
    Member.objects.filter(pk=cast.owner.pk).update(role=MEMBER)
    schedule.refresh_from_db()
    assert schedule.owner == cast.member.user

"""Who leaves, is removed or becomes a viewer: their schedules stop and say so, alerts to them go, exports go on."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import Alert, AuditEntry, AutoProtection, Event, Member, OutboxMessage, Schedule, Token
from exports.models.outbox import MAIL
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.people import members
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def schedule_of(member: Member, cast: Cast, provider: str = TABLES) -> Schedule:
    project, soon = cast.project(provider), timezone.now() + timedelta(hours=1)
    return Schedule.objects.create(
        team=project.team,
        project=project,
        owner=member.user,
        type=project.provider.kinds[0].type,
        format=project.provider.kinds[0].formats[0],
        cron="0 2 * * *",
        next_run_at=soon,
        ask_at=soon,
    )


def alert_to(address: str, cast: Cast, kind: str = MAIL) -> Alert:
    alert = Alert.objects.create(team=cast.team, kind=kind, events=["export.failed"])
    alert.save_address(address)
    return alert


def test_the_schedules_of_a_removed_member_stop_with_a_reason_and_an_event(cast: Cast) -> None:
    gone, stays = schedule_of(cast.member, cast), schedule_of(cast.owner, cast)
    members.remove_member(cast.member, cast.owner.user)
    gone.refresh_from_db()
    stays.refresh_from_db()
    assert (gone.enabled, gone.disabled_reason) == (False, "Its owner left the team.")
    assert (gone.next_run_at, gone.ask_at) == (None, None)
    assert (stays.enabled, stays.disabled_reason) == (True, "")
    event = Event.objects.get()
    assert (event.type, event.project, event.data["schedule_id"]) == ("schedule.disabled", gone.project, gone.pk)
    entry = AuditEntry.objects.get(verb="stopped")
    assert (entry.user, entry.target) == (cast.owner.user, f"schedule {gone.pk}: orders of The {TABLES} one, 0 2 * * *")


def test_the_schedules_of_who_leaves_stop_as_well(cast: Cast) -> None:
    schedule = schedule_of(cast.member, cast)
    members.leave_team(cast.member)
    schedule.refresh_from_db()
    assert schedule.disabled_reason == "Its owner left the team."
    assert AuditEntry.objects.get(verb="stopped").user == cast.member.user


@pytest.mark.parametrize(("role", "stops"), [(VIEWER, True), (OWNER, False)])
def test_schedules_stop_only_where_the_new_role_may_not_export(cast: Cast, role: str, stops: bool) -> None:
    schedule, alert = schedule_of(cast.member, cast), alert_to("member@example.org", cast)
    members.change_role(cast.member, role, cast.owner.user)
    schedule.refresh_from_db()
    assert schedule.enabled is not stops
    assert schedule.disabled_reason == ("Its owner is a viewer now." if stops else "")
    assert Alert.objects.filter(pk=alert.pk).exists()


def test_new_projects_of_a_credential_are_no_longer_protected_by_who_left(cast: Cast) -> None:
    credential = cast.credential(TABLES)
    AutoProtection.objects.create(credential=credential, owner=cast.member.user, type="orders", cron="@daily")
    members.leave_team(cast.member)
    assert AutoProtection.objects.get().disabled_reason == "Its owner left the team."


def test_alerts_that_mail_to_who_left_are_deleted_and_others_stay(cast: Cast) -> None:
    alert_to("Member@Example.org", cast)
    unreadable = alert_to("x", cast)
    Alert.objects.filter(pk=unreadable.pk).update(encrypted_address="v1.nonsense")
    stays = [unreadable, alert_to("owner@example.org", cast), alert_to("https://ntfy.example/member", cast, "ntfy")]
    members.remove_member(cast.member, cast.owner.user)
    assert list(Alert.objects.order_by("pk")) == stays
    assert AuditEntry.objects.filter(verb="deleted", user=cast.owner.user, detail__contains="member@").count() == 1


def test_a_mail_that_was_not_sent_yet_is_given_up(cast: Cast) -> None:
    mails = [
        OutboxMessage.objects.create(
            team=cast.team, user=member.user, kind=MAIL, key=str(member.pk), due_at=timezone.now()
        )
        for member in (cast.member, cast.owner)
    ]
    members.leave_team(cast.member)
    assert [OutboxMessage.objects.get(pk=mail.pk).due_at is None for mail in mails] == [True, False]


def test_the_pages_say_beforehand_what_ends(as_owner: Client, as_member: Client, cast: Cast) -> None:
    schedule_of(cast.member, cast)
    alert_to("member@example.org", cast)
    Token.issue(cast.member)
    factories.processing_export(cast)
    pages = [as_owner.get(f"/t/the-team/members/{cast.member.pk}/"), as_member.get("/t/the-team/members/leave")]
    for page in pages:
        text = page.content.decode()
        assert "1 API token of this team stops working at once" in text
        assert "1 schedule stops; another member can take it over" in text
        assert "1 alert to this address is deleted" in text
        assert "1 running export continues and stays with the team" in text
    assert "As a viewer: 1 schedule of theirs stops" in pages[0].content.decode()


def test_who_comes_back_has_no_schedule_run_again_by_itself(cast: Cast) -> None:
    schedule = schedule_of(cast.member, cast)
    members.leave_team(cast.member)
    Member.objects.create(team=cast.team, user=cast.member.user, role=MEMBER)
    schedule.refresh_from_db()
    assert not schedule.enabled

"""Each member chooses for each team what they are mailed: mine, all or nothing, and which events."""

from typing import Any

import pytest

from exports.models import Event, Export, Member, OutboxMessage, Schedule, User
from exports.models import event as events
from exports.models.event import EVENT_TYPES
from exports.notify.fan_out import fan_out
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.smtp_inbox import SmtpInbox, text_of

EXPORT_ENDS = (events.EXPORT_SUCCEEDED, events.EXPORT_FAILED, events.EXPORT_CANCELED)


def choose(member: Member, scope: str, chosen: list[str] | None = None) -> None:
    Member.objects.filter(pk=member.pk).update(mail_scope=scope, mail_events=chosen)


def mailed(cast: Cast, type_: str, key: str = "once", **of: Any) -> set[str]:
    """Who gets a mail when this happens, without the domain."""
    Event.record(cast.team.pk, type_, f"{type_}:{key}", **of)
    fan_out()
    rows = OutboxMessage.objects.filter(event__type=type_, event__key=f"{type_}:{key}", kind="mail")
    return {row.user.email.partition("@")[0] for row in rows.select_related("user")}


@pytest.fixture
def export(cast: Cast) -> Export:
    """An export of the member's that failed, whose own event is told already."""
    export = factories.failed_export(cast)
    fan_out()
    OutboxMessage.objects.all().delete()
    return export


@pytest.mark.parametrize("type_", EXPORT_ENDS)
def test_at_first_only_who_requested_it_is_mailed(cast: Cast, export: Export, type_: str) -> None:
    assert mailed(cast, type_, export=export) == {"member"}


@pytest.mark.parametrize("type_", sorted(set(EVENT_TYPES) - set(EXPORT_ENDS)))
def test_at_first_nobody_is_mailed_anything_else(cast: Cast, export: Export, type_: str) -> None:
    assert mailed(cast, type_, export=export, project=export.project) == set()


def test_the_two_choices_of_the_account_hold_until_others_are_made(cast: Cast, export: Export) -> None:
    User.objects.filter(pk=cast.member.user_id).update(mail_failure=False)
    assert mailed(cast, events.EXPORT_FAILED, export=export) == set()
    assert mailed(cast, events.EXPORT_CANCELED, export=export) == set()
    assert mailed(cast, events.EXPORT_SUCCEEDED, export=export) == {"member"}
    choose(cast.member, "mine", [events.EXPORT_FAILED])
    assert mailed(cast, events.EXPORT_FAILED, "again", export=export) == {"member"}
    assert mailed(cast, events.EXPORT_SUCCEEDED, "again", export=export) == set()


def test_all_is_everything_of_the_team(cast: Cast, export: Export) -> None:
    choose(cast.viewer, "all")
    for type_ in EVENT_TYPES:
        got = mailed(cast, type_, export=export, project=export.project)
        assert got == ({"member", "viewer"} if type_ in EXPORT_ENDS else {"viewer"}), type_


def test_all_with_chosen_events_is_those(cast: Cast, export: Export) -> None:
    choose(cast.owner, "all", [events.CREDENTIAL_REFUSED])
    assert mailed(cast, events.CREDENTIAL_REFUSED, credential_id=export.project.credential_id) == {"owner"}
    assert mailed(cast, events.TEAM_QUOTA, percent=80) == set()


def test_nothing_is_nothing(cast: Cast, export: Export) -> None:
    choose(cast.member, "none", list(EVENT_TYPES))
    assert [mailed(cast, type_, export=export, project=export.project) for type_ in EVENT_TYPES] == [set()] * 10


def test_a_schedule_that_stopped_is_mailed_to_its_owner(cast: Cast, export: Export) -> None:
    schedule = Schedule.objects.create(
        team=cast.team, project=export.project, owner=cast.owner.user, type="orders", format="csv", cron="0 2 * * *",
        enabled=False, disabled_reason="Five failures in a row.",
    )  # fmt: skip
    assert mailed(cast, events.SCHEDULE_DISABLED, project=export.project, schedule_id=schedule.pk) == {"owner"}


def test_another_teams_members_hear_of_nothing(cast: Cast, export: Export) -> None:
    choose(cast.outsider, "all")
    assert "outsider" not in mailed(cast, events.EXPORT_FAILED, export=export)


def test_members_with_other_accounts_are_each_mailed_once(cast: Cast, export: Export, postbox: SmtpInbox) -> None:
    choose(cast.viewer, "all")
    mailed(cast, events.EXPORT_FAILED, export=export)
    assert deliver_due() == 2
    assert deliver_due() == 0
    one, two = sorted(postbox.mails, key=lambda mail: str(mail["To"]))
    assert (one["To"], two["To"]) == ("member@example.org", "viewer@example.org")
    assert one["Message-ID"] != two["Message-ID"]
    assert "because you requested the export" in text_of(one)
    assert "because you chose to hear of everything in The Team" in text_of(two)


def test_nobody_is_mailed_at_an_address_that_is_not_confirmed(cast: Cast, export: Export, postbox: SmtpInbox) -> None:
    User.objects.filter(pk=cast.member.user_id).update(email_confirmed=False)
    mailed(cast, events.EXPORT_FAILED, export=export)
    assert deliver_due() == 0
    assert postbox.mails == []
    assert "not confirmed" in OutboxMessage.objects.get().last_error

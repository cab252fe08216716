"""A deleted account leaves a neutral name: address and name are in no row of any table any more, history stays."""

import json
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client
from django.utils import timezone

from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.exporting import actions
from exports.models import AuditEntry, Change, Download, Event, Invitation, Member, OutboxMessage, Schedule, Token, User
from exports.models.outbox import WEBHOOK
from exports.models.team import OWNER, VIEWER
from exports.people import accounts, invitations, members, teams
from exports.storage import downloads
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.clients import client_of
from tests.helpers.roles import TABLES
from tests.helpers.second_factors import add_totp

ADDRESS, NAME = "leaving@example.org", "Zebedee"


@pytest.fixture
def leaving(cast: Cast) -> Member:
    """A member whose address stands in every kind of row that can hold it."""
    user = User.objects.create_user("former@example.org", PASSWORD, name=NAME)
    member = Member.objects.create(team=cast.team, user=user, role="member")
    cast.member = member
    cast.project(TABLES)
    with audit_log.address_context("192.0.2.7"):
        factories.waiting_export(cast)
    user.email = ADDRESS
    user.save()
    export = factories.succeeded_export(cast, allow_duplicate=True)
    actions.cancel(factories.waiting_export(cast, allow_duplicate=True), actor=ADDRESS, source="person")
    downloads.record_download(export, user, via="page", address="192.0.2.7")
    teams.create_own_token(member, "read", "script")
    teams.revoke_token(Token.objects.get(), cast.owner.user)
    invitations.create_invitation(cast.other_team, cast.outsider.user, VIEWER, ADDRESS)
    members.change_role(member, OWNER, cast.owner.user)
    shown = {"id": user.pk, "email": ADDRESS, "name": NAME}
    OutboxMessage.objects.create(
        team=cast.team, export=export, kind=WEBHOOK, key="1", payload={"data": {"export": [{"user": shown}]}}
    )
    Event.record(cast.team.pk, "team.quota", "k", told=f"mailed to <{ADDRESS}>")
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(User), object_repr=ADDRESS, action_flag=CHANGE
    )
    EmailAddress.objects.create(user=user, email=ADDRESS)
    SocialAccount.objects.create(user=user, provider="openid_connect", uid="1", extra_data={"email": ADDRESS})
    add_totp(member)
    return member


def every_value() -> Iterator[tuple[str, str]]:
    """Every value of every row of every table, as text."""
    for model in apps.get_models():
        for row in model._base_manager.values():
            for field, value in row.items():
                yield f"{model.__name__}.{field}", json.dumps(value, default=str)


def test_address_and_name_are_in_no_table_any_more(cast: Cast, leaving: Member) -> None:
    before = " ".join(value for _, value in every_value())
    assert all(text in before for text in (ADDRESS, "former@example.org", NAME, "192.0.2.7"))
    accounts.erase_account(leaving.user)
    for place, value in every_value():
        assert ADDRESS not in value.lower(), place
        assert "former@example.org" not in value.lower(), place
        assert NAME not in value, place
        assert "192.0.2.7" not in value, place


def test_history_keeps_its_rows_under_the_neutral_name(cast: Cast, leaving: Member) -> None:
    pk = leaving.user.pk
    counts = [model.objects.count() for model in (Change, Download)]
    accounts.erase_account(leaving.user)
    assert [model.objects.count() for model in (Change, Download)] == counts
    neutral = f"former-member-{pk}@example.invalid"
    assert set(Change.objects.filter(source="person").values_list("actor", flat=True)) == {neutral}
    assert Download.objects.get().actor == neutral
    assert AuditEntry.objects.filter(actor=neutral, verb="asked for").count() == 3
    assert AuditEntry.objects.get(verb="changed role").target == f"member {neutral}"
    user = User.objects.get(pk=pk)
    assert (user.display_name, user.is_active, user.has_usable_password()) == (f"Former member {pk}", False, False)
    assert user.erased_at is not None
    page = client_of(cast.owner).get("/t/the-team/exports/").content.decode()
    assert f"Former member {pk}" in page


def test_what_was_queued_names_the_neutral_person(cast: Cast, leaving: Member) -> None:
    pk = leaving.user.pk
    accounts.erase_account(leaving.user)
    shown = OutboxMessage.objects.get(kind=WEBHOOK).payload["data"]["export"][0]["user"]
    assert shown == {"id": pk, "email": f"former-member-{pk}@example.invalid", "name": f"Former member {pk}"}
    assert Event.objects.get(key="k").data["told"] == f"mailed to <former-member-{pk}@example.invalid>"


def test_memberships_sessions_tokens_and_factors_end(cast: Cast, leaving: Member) -> None:
    browser, token = client_of(leaving), Token.issue(leaving)
    soon = timezone.now()
    schedule = Schedule.objects.create(
        team=cast.team,
        project=cast.project(TABLES),
        owner=leaving.user,
        type="orders",
        cron="@daily",
        next_run_at=soon,
        ask_at=soon,
    )
    accounts.erase_account(leaving.user)
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.disabled_reason) == (False, "Its owner's account was deleted.")
    assert not Member.objects.filter(user=leaving.user).exists()
    assert not Authenticator.objects.exists()
    assert not SocialAccount.objects.exists()
    assert browser.get("/profile/").status_code == 302
    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert not Client().login(email=ADDRESS, password=PASSWORD)


def test_the_person_is_mailed_at_the_address_that_goes(leaving: Member) -> None:
    accounts.erase_account(leaving.user)
    sent = mail.outbox[-1]
    assert sent.to == [ADDRESS]
    assert sent.subject == "Your Export portal account was deleted"


def test_an_address_that_only_contains_it_stays(cast: Cast, leaving: Member) -> None:
    invitations.create_invitation(cast.team, cast.owner.user, VIEWER, f"not-{ADDRESS}")
    invitations.create_invitation(cast.team, cast.owner.user, VIEWER, f"{ADDRESS}.au")
    accounts.erase_account(leaving.user)
    invited = set(AuditEntry.objects.filter(verb="invited", team=cast.team).values_list("target", flat=True))
    assert invited == {f"not-{ADDRESS}", f"{ADDRESS}.au"}
    assert Invitation.objects.filter(email__endswith="example.org").count() == 1


def test_an_address_that_somebody_else_has_by_now_stays_theirs(cast: Cast, leaving: Member) -> None:
    heir = User.objects.create_user("former@example.org")
    audit_log.record_event(cast.team, heir, "added", "project x")
    accounts.erase_account(leaving.user)
    assert AuditEntry.objects.get(user=heir).actor == "former@example.org"
    assert User.objects.get(pk=heir.pk).email == "former@example.org"


def test_the_only_owner_of_a_team_with_others_cannot_go(cast: Cast) -> None:
    with pytest.raises(ConflictError, match="owner of The Team first"):
        accounts.erase_account(cast.owner.user)
    assert Member.objects.filter(pk=cast.owner.pk).exists()
    assert list(accounts.teams_without_other_owner(cast.owner.user)) == [cast.team]
    members.change_role(cast.member, OWNER, cast.owner.user)
    accounts.erase_account(cast.owner.user)
    assert not Member.objects.filter(pk=cast.owner.pk).exists()


def test_who_is_alone_in_a_team_can_go(cast: Cast) -> None:
    accounts.erase_account(cast.outsider.user)
    assert not Member.objects.filter(team=cast.other_team).exists()


def test_an_account_is_deleted_once(cast: Cast) -> None:
    accounts.erase_account(cast.member.user)
    with pytest.raises(ConflictError, match="deleted already"):
        accounts.erase_account(cast.member.user)


def test_the_address_can_be_invited_again(cast: Cast, leaving: Member) -> None:
    accounts.erase_account(leaving.user)
    invitation, _ = invitations.create_invitation(cast.team, cast.owner.user, VIEWER, ADDRESS)
    again = invitations.create_account(
        invitation, email=ADDRESS, name="Again", password=PASSWORD, proof=invitation.email_proof
    )
    assert again.pk != leaving.user.pk

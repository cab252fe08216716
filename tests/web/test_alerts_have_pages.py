"""The page of alerts: what each tells and how it went; addresses are never sent to a browser."""

from typing import Any

import pytest
from django.test import Client

from exports.models import Alert, AuditEntry, Member, OutboxMessage
from exports.models.event import EVENT_TYPES, EXPORT_FAILED
from tests.helpers import factories
from tests.helpers.cast import Cast

PAGE = "/t/the-team/settings/alerts/"
HOOK = "https://hooks.slack.com/services/T0000/B1111/abcdefghijklmnop"


def form(**more: Any) -> dict[str, Any]:
    return {"address": HOOK, "events": [EXPORT_FAILED], "digest": "none", **more}


def test_an_owner_adds_one_and_everybody_sees_it_masked(as_owner: Client, as_viewer: Client, cast: Cast) -> None:
    answer = as_owner.post(f"{PAGE}add/slack/", form(), follow=True)
    assert "Alert added" in answer.content.decode()
    assert Alert.objects.get().address() == HOOK
    for client in (as_owner, as_viewer):
        page = client.get(PAGE).content.decode()
        assert "https://hooks.slack.com/…" in page
        assert "abcdefgh" not in page
        assert "failed</span>" in page
    assert "Send a test" not in as_viewer.get(PAGE).content.decode()
    assert AuditEntry.objects.filter(verb="added", target__startswith="alert").exists()


@pytest.mark.parametrize("address", ["https://app.slack.com/client/secret-piece", "nonsense secret-piece", ""])
def test_what_was_typed_wrongly_is_not_sent_back(as_owner: Client, address: str) -> None:
    answer = as_owner.post(f"{PAGE}add/slack/", form(address=address))
    assert answer.status_code == 422
    assert "secret-piece" not in answer.content.decode()
    assert "errors" in answer.content.decode()
    assert not Alert.objects.exists()


def test_without_an_event_there_is_nothing_to_tell(as_owner: Client) -> None:
    assert as_owner.post(f"{PAGE}add/slack/", form(events=[])).status_code == 422


def test_an_unknown_kind_is_no_page(as_owner: Client) -> None:
    assert as_owner.get(f"{PAGE}add/fax/").status_code == 404


def test_an_empty_address_keeps_the_one_in_use(as_owner: Client, cast: Cast) -> None:
    alert = factories.alert(cast)
    page = as_owner.get(f"{PAGE}{alert.pk}/").content.decode()
    assert "secret3" not in page
    as_owner.post(f"{PAGE}{alert.pk}/", form(address="", events=list(EVENT_TYPES), digest="daily"))
    alert.refresh_from_db()
    assert (alert.address(), alert.digest, alert.events) == (factories.ALERT_ADDRESS, "daily", list(EVENT_TYPES))


def test_the_page_says_why_the_latest_message_was_not_taken(as_owner: Client, cast: Cast) -> None:
    alert = factories.alert(cast)
    as_owner.post(f"{PAGE}{alert.pk}/test")
    OutboxMessage.objects.update(last_error="The address answered 500: oops")
    assert "The address answered 500: oops" in as_owner.get(PAGE).content.decode()


def test_a_second_test_waits_for_the_first(as_owner: Client, cast: Cast) -> None:
    alert = factories.alert(cast)
    as_owner.post(f"{PAGE}{alert.pk}/test")
    answer = as_owner.post(f"{PAGE}{alert.pk}/test", follow=True)
    assert "A test is on its way already." in answer.content.decode()
    assert OutboxMessage.objects.count() == 1


def test_what_one_is_mailed_is_chosen_for_each_team(as_member: Client, cast: Cast) -> None:
    Member.objects.create(team=cast.other_team, user=cast.member.user, role="viewer")
    name = f"team-{cast.member.pk}"
    body = {f"{name}-mail_scope": "all", f"{name}-mail_events": [EXPORT_FAILED]}
    page = as_member.post(f"/profile/mails/{cast.member.pk}", body, follow=True).content.decode()
    assert "Saved the e-mails about The Team" in page
    here, there = Member.objects.filter(user=cast.member.user).order_by("pk")
    assert (here.mail_scope, here.mail_events) == ("all", [EXPORT_FAILED])
    assert (there.mail_scope, there.mail_events) == ("mine", None)


def test_nobody_chooses_for_others(as_member: Client, cast: Cast) -> None:
    assert as_member.post(f"/profile/mails/{cast.owner.pk}", {}).status_code == 404
    name = f"team-{cast.member.pk}"
    body = {f"{name}-mail_scope": "everything", f"{name}-mail_events": ["export.exploded"]}
    assert as_member.post(f"/profile/mails/{cast.member.pk}", body).status_code == 422


def test_the_list_takes_the_same_queries_however_long_it_is(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        factories.alert(cast, address=f"https://chat.example/{number}")
    with django_assert_max_num_queries(9):
        as_owner.get(PAGE)

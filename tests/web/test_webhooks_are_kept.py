"""Owners keep webhooks on the pages of the settings; everybody sees there what was sent, and how it went."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from exports.models import OutboxMessage, Webhook
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.stub_server import Reply, StubServer
from tests.helpers.webhooks import ROUTE, make_webhook, message_ids, run_receiver, verify

BASE = "/t/the-team/settings/webhooks/"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[StubServer]:
    with run_receiver(settings) as stub:
        yield stub


def test_the_secret_is_on_the_page_once_and_signs(as_owner: Client, cast: Cast, receiver: StubServer) -> None:
    url = f"{receiver.origin}/events"
    page = as_owner.post(f"{BASE}add/", {"url": url, "events": ["export.failed"]}).content.decode()
    [secret] = re.findall(r'value="(whsec_[^"]+)"', page)
    webhook = Webhook.objects.get()
    for path in (BASE, f"{BASE}{webhook.pk}/", f"{BASE}{webhook.pk}/edit"):
        assert "whsec_" not in as_owner.get(path).content.decode()
    assert as_owner.post(f"{BASE}{webhook.pk}/test").status_code == 302
    deliver_due()
    assert verify(secret, receiver.requests_to(ROUTE)[0])["type"] == "webhook.test"

    page = as_owner.post(f"{BASE}{webhook.pk}/rotate").content.decode()
    [rotated] = re.findall(r'value="(whsec_[^"]+)"', page)
    assert rotated != secret
    assert "The secret before signs as well until" in page


@pytest.mark.parametrize(
    "data", [{"url": "http://example.org/", "events": ["export.failed"]}, {"url": "https://example.org/"}]
)
def test_what_cannot_be_used_is_said_on_the_form(as_owner: Client, data: dict[str, str]) -> None:
    response = as_owner.post(f"{BASE}add/", data)
    assert response.status_code == 422
    assert 'class="errors"' in response.content.decode()
    assert not Webhook.objects.exists()


def test_a_failed_delivery_is_read_and_sent_again(as_owner: Client, cast: Cast, receiver: StubServer) -> None:
    webhook, _secret = make_webhook(cast, f"{receiver.origin}/events")
    receiver.on(ROUTE, Reply(503, "closed for today"), Reply(204))
    export = factories.failed_export(cast)
    deliver_due()
    message = OutboxMessage.objects.get(webhook=webhook)
    at = f"/t/the-team/settings/deliveries/{message.pk}/"
    assert at in as_owner.get(f"{BASE}{webhook.pk}/").content.decode()
    page = as_owner.get(at).content.decode()
    for text in ("The address answered 503.", "closed for today", message.key, f"#{export.pk}", "1 of 10"):
        assert text in page
    assert as_owner.post(f"{at}redeliver").status_code == 302
    assert deliver_due() == 1
    assert "Sent" in as_owner.get(at).content.decode()
    assert set(message_ids(receiver)) == {message.key}


def test_others_see_deliveries_but_no_address_and_no_buttons(
    as_viewer: Client, as_outsider: Client, cast: Cast
) -> None:
    webhook, _secret = make_webhook(cast, "https://example.org/hooks/not-for-everybody")
    factories.failed_export(cast)
    deliver_due()
    delivery = OutboxMessage.objects.get(webhook=webhook)
    for path in (BASE, f"{BASE}{webhook.pk}/", f"/t/the-team/settings/deliveries/{delivery.pk}/"):
        page = as_viewer.get(path).content.decode()
        assert "not-for-everybody" not in page
        assert "<button" not in page.partition("<main")[2].partition("</main")[0]
        assert as_outsider.get(path).status_code == 404
    assert as_viewer.post(f"{BASE}{webhook.pk}/test").status_code == 403


def test_failed_deliveries_are_shown_alone_and_by_pages(as_owner: Client, cast: Cast) -> None:
    webhook, _secret = make_webhook(cast, "https://example.org/hooks")
    rows = [
        OutboxMessage(
            team=cast.team,
            webhook=webhook,
            kind="webhook",
            key=f"msg_{number}",
            payload={"type": "team.quota"},
            sent_at=None if number % 2 else webhook.created_at,
        )
        for number in range(60)
    ]
    OutboxMessage.objects.bulk_create(rows)
    count = len(re.findall("/settings/deliveries/", as_owner.get(f"{BASE}{webhook.pk}/").content.decode()))
    first = as_owner.get(f"{BASE}{webhook.pk}/?show=failed").content.decode()
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = as_owner.get(f"{BASE}{webhook.pk}/{older.replace('&amp;', '&')}").content.decode()
    assert (count, first.count("/settings/deliveries/"), second.count("/settings/deliveries/")) == (25, 25, 5)


def test_pausing_and_deleting(as_owner: Client, cast: Cast) -> None:
    webhook, _secret = make_webhook(cast, "https://example.org/hooks")
    as_owner.post(f"{BASE}{webhook.pk}/pause", {"enabled": "0"})
    webhook.refresh_from_db()
    assert not webhook.enabled
    assert "Delete this webhook?" in as_owner.get(f"{BASE}{webhook.pk}/delete").content.decode()
    assert Webhook.objects.exists()
    as_owner.post(f"{BASE}{webhook.pk}/delete")
    assert not Webhook.objects.exists()

"""The address guard decides, no redirect is followed, and what is answered is kept without secrets."""

import pytest
from pytest_django.fixtures import Settings

from exports.errors import InvalidError
from exports.models import OutboxMessage, Webhook
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.stub_server import Reply, run_stub_server
from tests.helpers.webhooks import ROUTE, make_webhook, run_receiver


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/events",
        "https://127.0.0.1/events",
        "https://169.254.169.254/latest",
        "https://user:word@example.org/",
        "ftp://example.org/",
        "example.org",
        "https://exa mple.org/",
        "https://example.org/" + "x" * 2000,
        "",
    ],
)
def test_an_address_that_may_not_be_opened_is_refused_when_it_is_entered(cast: Cast, url: str) -> None:
    with pytest.raises(InvalidError) as caught:
        make_webhook(cast, url)
    assert set(caught.value.errors) == {"url"}


def test_a_name_that_leads_inside_is_not_opened(cast: Cast, settings: Settings) -> None:
    with run_receiver(settings) as stub:
        make_webhook(cast, f"{stub.origin}/events")
        settings.PRIVATE_HOSTS = ()
        Webhook.objects.update(url=f"https://localhost:{stub.server.server_address[1]}/events")
        factories.failed_export(cast)
        deliver_due()
        assert stub.requests == []
    message = OutboxMessage.objects.get(kind="webhook")
    assert (message.state, message.answer_status) == ("waiting", None)
    assert "no public address" in message.last_error


def test_a_redirect_is_a_failure(cast: Cast, settings: Settings) -> None:
    with run_stub_server() as elsewhere, run_receiver(settings) as stub:
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, elsewhere.host)
        stub.on(ROUTE, Reply(307, headers={"Location": f"{elsewhere.origin}/events"}))
        make_webhook(cast, f"{stub.origin}/events")
        factories.failed_export(cast)
        deliver_due()
        assert elsewhere.requests == []
    message = OutboxMessage.objects.get(kind="webhook")
    assert message.answer_status == 307
    assert "redirect" in message.last_error


def test_an_answer_is_cut_and_shows_no_secret(cast: Cast, settings: Settings) -> None:
    with run_receiver(settings) as stub:
        _webhook, secret = make_webhook(cast, f"{stub.origin}/events?token=4f7d1c9a2b8e6f30")
        stub.on(ROUTE, Reply(400, f"bad \0 {secret} 4f7d1c9a2b8e6f30 " + "x" * 5000))
        factories.failed_export(cast)
        deliver_due()
    message = OutboxMessage.objects.get(kind="webhook")
    assert message.answer.startswith("bad")
    assert len(message.answer) <= 500
    assert secret[10:30] not in message.answer
    assert "4f7d1c9a2b8e6f30" not in message.answer
    assert "\0" not in message.answer


def test_a_body_that_breaks_off_after_a_good_status_is_a_success(cast: Cast, settings: Settings) -> None:
    with run_receiver(settings, Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as stub:
        make_webhook(cast, f"{stub.origin}/events")
        factories.failed_export(cast)
        deliver_due()
        assert len(stub.requests) == 1
    assert OutboxMessage.objects.get(kind="webhook").state == "sent"

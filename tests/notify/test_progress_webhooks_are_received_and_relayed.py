"""A provider's webhook only makes the next poll due; the portal relays progress to the address that a user gave."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Export, OutboxMessage
from exports.queue import inbound_webhooks
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import VIDEOS
from tests.helpers.run_exports import deliver_due, request_export, run_to_end, take_step
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = pytest.mark.postgresql

OriginOf = Callable[[str], str]


@pytest.fixture(name="listener")
def listener_fixture(settings: Settings, sandbox: Sandbox) -> Iterator[StubServer]:
    """An address of the user's, reachable as an exception."""
    with run_stub_server() as one:
        one.on("POST /news", Reply(204))
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, one.host)
        yield one


def video(cast: Cast, origin_of: OriginOf, **options: str) -> Export:
    return request_export(cast.project(VIDEOS, origin_of(VIDEOS)), cast.member, "video", options=options)


def test_the_provider_gets_an_address_of_the_portal_that_cannot_be_guessed(cast: Cast, settings: Settings) -> None:
    export = request_export(cast.project(VIDEOS), cast.member, "video")
    assert inbound_webhooks.webhook_url(export) == ""
    settings.PUBLIC_URL = "https://portal.example.org"
    other = request_export(cast.project(VIDEOS), cast.member, "video", allow_duplicate=True)
    assert inbound_webhooks.webhook_url(export).startswith(f"https://portal.example.org/hooks/{export.pk}/")
    assert inbound_webhooks.url_signature(export.pk) != inbound_webhooks.url_signature(other.pk)
    assert len(inbound_webhooks.url_signature(export.pk)) == 40


def test_progress_is_relayed_to_the_users_address_which_the_provider_never_sees(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, listener: StubServer
) -> None:
    export = run_to_end(video(cast, origin_of, webhook_url=f"{listener.origin}/news"))
    while deliver_due():
        pass

    assert export.status == states.SUCCEEDED
    told = [asked.json for asked in listener.requests_to("POST /news")]
    assert told
    assert all(one["export_id"] == export.pk for one in told)
    assert told[-1]["progress"] == 100
    assert not any("Authorization" in asked.headers for asked in listener.requests)


def test_nothing_is_relayed_to_a_private_address(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = run_to_end(video(cast, origin_of, webhook_url="http://169.254.169.254/latest"))
    deliver_due()
    assert export.status == states.SUCCEEDED
    relays = OutboxMessage.objects.filter(export=export, kind="relay")
    assert relays.exists()
    assert all(notice.due_at is None and notice.sent_at is None and notice.last_error for notice in relays)


def test_a_webhook_makes_the_next_poll_due_now(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = take_step(video(cast, origin_of))
    before = export.next_step_at
    inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    export.refresh_from_db()
    assert before is not None
    assert export.next_step_at is not None
    assert export.next_step_at < before


def test_a_webhook_for_an_ended_export_does_nothing(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = run_to_end(video(cast, origin_of))
    inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    export.refresh_from_db()
    assert (export.status, export.next_step_at) == (states.SUCCEEDED, None)

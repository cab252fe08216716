"""An owner adds a webhook, reads in a browser why a delivery failed, and sends it again, signed as before."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export, OutboxMessage
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.installation import wait_for
from tests.helpers.stub_server import Reply, StubServer
from tests.helpers.webhooks import ROUTE, message_ids, run_receiver, verify


@pytest.fixture
def receiver(settings: Settings, sandbox: Sandbox) -> Iterator[StubServer]:
    with run_receiver(settings, Reply(503, "closed for today"), Reply(204)) as stub:
        yield stub


@pytest.mark.usefixtures("running_worker")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_delivery_is_read_and_sent_again(
    open_browser: OpenBrowser, cast: Cast, receiver: StubServer, scripts: bool
) -> None:
    options: dict[str, Any] = {"java_script_enabled": scripts}
    page = open_browser(cast.owner, **options).open("settings/webhooks/")
    page.get_by_role("link", name="Add webhook").click()
    page.get_by_label("Address").fill(f"{receiver.origin}/events")
    page.get_by_label("An export was canceled").check()
    page.get_by_role("button", name="Add webhook").click()
    secret = page.get_by_role("textbox", name="Signing secret").input_value()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Nothing sent yet")).to_be_visible()

    export = factories.waiting_export(cast)
    Export.objects.get(pk=export.pk).move(states.CANCELED, source="person")
    failed = OutboxMessage.objects.filter(kind="webhook", attempts=1, due_at__isnull=False).exclude(last_error="")
    # Later than by itself, so that it is sent again by hand.
    wait_for(lambda: bool(failed.update(due_at=clock.seconds_from_now(3600))), 20, "the first attempt")
    _reload_until(page, "Retrying")
    page.get_by_role("link", name=re.compile("View export.canceled")).click()
    expect(page.get_by_text("The address answered 503.")).to_be_visible()
    expect(page.get_by_text("closed for today")).to_be_visible()
    if scripts:
        assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is sent again, with the same id.")).to_be_visible()
    _reload_until(page, "Sent")

    first, second = receiver.requests_to(ROUTE)
    assert verify(secret, first) == verify(secret, second)
    assert set(message_ids(receiver)) == {OutboxMessage.objects.get(kind="webhook").key}


def _reload_until(page: Any, word: str) -> None:
    """Waits until a delivery is in this state; the page does not change by itself."""
    for _ in range(40):
        if page.locator(".state", has_text=word).count():
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(page.inner_text("main"))

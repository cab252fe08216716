"""An owner adds an alert and tests it; a failure is told to channel and member, and the mail leads to its page."""

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from exports.models import Alert, Member, OutboxMessage
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.smtp_inbox import SmtpInbox, run_smtp_inbox, text_of
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

OriginOf = Callable[[str], str]


@pytest.fixture
def chat(settings: Settings, sandbox: Sandbox) -> Iterator[StubServer]:
    """A chat service on loopback."""
    with run_stub_server() as server:
        server.on("POST /hooks/secret-of-the-channel", Reply(200, "ok"))
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, server.host)
        yield server


@pytest.fixture
def postbox(settings: Settings) -> Iterator[SmtpInbox]:
    with run_smtp_inbox(settings) as inbox:
        yield inbox


@pytest.mark.usefixtures("running_worker")
def test_a_failure_is_told_to_the_channel_and_by_mail(
    open_browser: OpenBrowser,
    cast: Cast,
    sandbox: Sandbox,
    origin_of: OriginOf,
    chat: StubServer,
    postbox: SmtpInbox,
    settings: Settings,
) -> None:
    owner, member = open_browser(cast.owner), open_browser(cast.member)
    settings.PUBLIC_URL = owner.base
    page = owner.open("settings/alerts/")
    expect(page.get_by_text("No alerts yet")).to_be_visible()
    page.get_by_role("link", name="Slack").click()
    page.get_by_label("Address").fill(f"{chat.origin}/hooks/secret-of-the-channel")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Add alert").click()
    row = page.get_by_role("listitem").filter(has_text="Slack")
    expect(row).to_contain_text("On")
    assert "secret-of-the-channel" not in page.content()

    row.locator("summary").click()
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("A test is on its way.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Slack")).to_contain_text("On")
    wait_until(lambda: OutboxMessage.objects.filter(sent_at__isnull=False).exists())
    expect(owner.open("settings/alerts/").get_by_text("Last message")).to_be_visible()

    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="job_fails")
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    wait_until(lambda: bool(postbox.to("member@example.org")) and len(chat.requests) == 2)
    [mail] = postbox.to("member@example.org")
    assert str(mail["Subject"]).endswith("failed")
    assert f"exports/{export.pk}/" in json.dumps(chat.requests[1].json)

    link = next(iter(re.findall(r"https?://\S+", text_of(mail))))
    member.page.goto(link)
    expect(member.page).to_have_url(f"{member.base}/t/the-team/exports/{export.pk}/")
    expect(member.page).to_have_title(re.compile("^Failed"))


def wait_until(is_true: Callable[[], bool]) -> None:
    """Waits up to 20 s."""
    ends = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.parametrize("scripts", [True, False])
def test_an_alert_is_paused_changed_and_deleted(open_browser: OpenBrowser, cast: Cast, scripts: bool) -> None:
    alert = factories.alert(cast)
    page = open_browser(cast.owner, java_script_enabled=scripts).open("settings/alerts/")

    def press(name: str) -> None:
        page.get_by_role("listitem").filter(has_text="Slack").locator("summary").click()
        page.get_by_role("button", name=name).click()

    press("Pause")
    expect(page.get_by_role("listitem").filter(has_text="Slack")).to_contain_text("Paused")
    press("Turn on")
    page.get_by_role("listitem").filter(has_text="Slack").locator("summary").click()
    page.get_by_role("link", name="Change").click()
    page.get_by_label("One message a day, at 8:00").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("daily digest")).to_be_visible()
    assert Alert.objects.get().address() == factories.ALERT_ADDRESS
    press("Delete")
    expect(page.get_by_text("No alerts yet")).to_be_visible()
    assert not Alert.objects.filter(pk=alert.pk).exists()


def test_a_person_chooses_what_is_mailed(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.viewer)
    page = visitor.page
    page.goto(f"{visitor.base}/profile/#mails")
    page.get_by_label("Everything in the team").check()
    page.get_by_label("An export succeeded").uncheck()
    page.get_by_role("button", name="Save The Team").click()
    expect(page.get_by_text("Saved the e-mails about The Team")).to_be_visible()
    row = Member.objects.get(pk=cast.viewer.pk)
    assert row.mail_scope == "all"
    assert "export.succeeded" not in row.mail_events
    assert "project.overdue" in row.mail_events
    assert Axe().run(page).violations_count == 0

"""What a real mail server answers decides: without the file at once, never again, or later; the page says so."""

import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export, OutboxMessage
from exports.notify.fan_out import fan_out
from exports.notify.mail_errors import Meaning, explain
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import deliver_due, request_export, run_to_end
from tests.helpers.stub_server import free_port

OriginOf = Callable[[str], str]


class MailServer:
    """Answers each mail with the next of `answers`, at the recipient (`rcpt`) or after the content; then with 250."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.rcpt: list[str] = []
        self.sizes: list[int] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt:
            return self.rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.sizes.append(len(envelope.content))
        return self.answers.pop(0) if self.answers else "250 OK"


def serve(settings: Settings, **options: Any) -> Iterator[MailServer]:
    mails = MailServer()
    controller = Controller(mails, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "https://portal.example.org", "portal.example.org"
    try:
        yield mails
    finally:
        controller.stop()


@pytest.fixture
def mails(settings: Settings) -> Iterator[MailServer]:
    yield from serve(settings)


@pytest.fixture
def small_mails(settings: Settings) -> Iterator[MailServer]:
    """A server that takes small mails only, and says so with 552 by itself."""
    yield from serve(settings, data_size_limit=3000)


@pytest.fixture
def export(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> Export:
    """A small export that has succeeded."""
    return run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))


def make_due() -> None:
    OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=clock.now())


@pytest.mark.parametrize(
    "answer",
    [
        "552 Too large",
        "552 5.3.4 Message size exceeds fixed limit",
        "552-5.2.3 Your message exceeded\r\n552 5.2.3 the size limits",
        "554 5.3.4 Message too big for system",
        "550 5.2.3 Message length exceeds limit",
    ],
)
def test_a_mail_that_is_too_large_goes_at_once_without_the_file(export: Export, mails: MailServer, answer: str) -> None:
    mails.answers = [answer]
    assert deliver_due() == 1
    large, small = mails.sizes
    assert small < large
    notice = OutboxMessage.objects.get(export=export)
    assert (notice.attempts, notice.last_error) == (1, "")
    assert notice.sent_at is not None


def test_a_server_with_a_limit_of_its_own_gets_the_link(export: Export, small_mails: MailServer) -> None:
    assert deliver_due() == 1
    assert len(small_mails.sizes) == 1


def test_the_file_is_left_out_once_and_for_all(export: Export, mails: MailServer) -> None:
    """The small one is put off: what comes later is the small one."""
    mails.answers = ["552 Too large", "451 Later"]
    assert deliver_due() == 0
    make_due()
    assert deliver_due() == 1
    assert len(mails.sizes) == 3
    assert mails.sizes[2] == mails.sizes[1] < mails.sizes[0]


def test_a_mail_too_large_without_its_file_is_given_up(export: Export, mails: MailServer) -> None:
    mails.answers = ["552 Too large"] * 50
    assert deliver_due() == 0
    make_due()
    assert deliver_due() == 0
    assert len(mails.sizes) == 2
    assert OutboxMessage.objects.get(export=export).due_at is None


@pytest.mark.parametrize("answer", ["550 No such user", "553 5.1.3 Bad address", "554 5.7.1 Refused by policy"])
@pytest.mark.parametrize("where", ["rcpt", "answers"])
def test_a_final_refusal_is_final_and_the_page_says_so(
    export: Export, mails: MailServer, as_member: Client, answer: str, where: str
) -> None:
    setattr(mails, where, [answer])
    assert deliver_due() == 0
    make_due()
    assert deliver_due() == 0
    notice = OutboxMessage.objects.get(export=export)
    assert (notice.attempts, notice.due_at) == (1, None)
    page = as_member.get(f"/t/the-team/exports/{export.pk}/").content.decode()
    assert "Couldn't be delivered to Member." in page
    assert f"answered {answer[:3]}: {answer[4:]}" in page
    export.refresh_from_db()
    assert export.status == states.SUCCEEDED


@pytest.mark.parametrize("answer", ["451 Try again later", "421 4.3.2 Shutting down", "452 4.2.2 Mailbox full"])
@pytest.mark.parametrize("where", ["rcpt", "answers"])
def test_a_passing_refusal_is_tried_again_after_growing_pauses(
    export: Export, mails: MailServer, as_member: Client, answer: str, where: str
) -> None:
    setattr(mails, where, [answer] * 5)
    pauses = []
    for _ in range(5):
        assert deliver_due() == 0
        due_at = OutboxMessage.objects.get(export=export).due_at
        assert due_at is not None
        pauses.append((due_at - clock.now()).total_seconds())
        make_due()
    assert pauses[0] < 10 < 30 < pauses[4] < 3600
    page = as_member.get(f"/t/the-team/exports/{export.pk}/").content.decode()
    assert "Not delivered to Member yet; we'll try again." in page
    assert deliver_due() == 1
    page = as_member.get(f"/t/the-team/exports/{export.pk}/").content.decode()
    assert "delivered to Member" not in page


def test_tries_are_bounded(export: Export, mails: MailServer) -> None:
    mails.answers = ["451 Later"] * 100
    fan_out()
    OutboxMessage.objects.update(attempts=39)
    make_due()
    assert deliver_due() == 0
    assert OutboxMessage.objects.get(export=export).due_at is None


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPAuthenticationError(535, b"5.7.8 Bad credentials"),
        smtplib.SMTPSenderRefused(530, b"5.7.0 Must issue a STARTTLS command first", "portal@localhost"),
        smtplib.SMTPConnectError(554, b"No service"),
        smtplib.SMTPServerDisconnected("gone"),
        ConnectionRefusedError(),
        TimeoutError(),
    ],
)
def test_what_is_wrong_with_the_portals_own_settings_costs_no_mail(error: Exception) -> None:
    assert explain(error).meaning is Meaning.LATER
    assert "credentials" not in explain(error).text

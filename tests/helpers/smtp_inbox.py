"""A mail server on a real socket that keeps what arrives."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from pytest_django.fixtures import Settings

from tests.helpers.stub_server import free_port


class SmtpInbox:
    """Keeps what arrives; `refuse` answers the next mails with an error."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 Try again later"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to this address."""
        return [mail for mail in self.mails if mail["To"] == address]


def text_of(mail: EmailMessage, part: str = "plain") -> str:
    """The text or the HTML of a mail."""
    body = mail.get_body((part,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@contextmanager
def run_smtp_inbox(settings: Settings) -> Iterator[SmtpInbox]:
    """A mail server that the portal sends its mails to; links in them begin with https://portal.example.org."""
    inbox = SmtpInbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "https://portal.example.org", "portal.example.org"
    try:
        yield inbox
    finally:
        controller.stop()

"""The export's user gets one mail at its end, over real SMTP; a broken mail server changes nothing."""

import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_django.fixtures import Settings

from exports import states
from exports.engine import clock, notices, store
from exports.models import Export, Notice
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, drive
from tests.wire import free_port

At = Callable[[str], str]


class Postbox:
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


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    settings.PUBLIC_URL = "https://portal.example.org"
    settings.PUBLIC_HOST = "portal.example.org"
    try:
        yield box
    finally:
        controller.stop()


def ended(cast: Cast, at: At, provider: str = "ulule", type_: str = "orders") -> Export:
    return drive(ask(cast.project(provider, at(provider)), cast.member, type_))


def test_a_small_file_is_attached(cast: Cast, box: Sandbox, at: At, postbox: Postbox) -> None:
    export = ended(cast, at)
    assert notices.send_due() == 1
    assert notices.send_due() == 0

    [mail] = postbox.mails
    assert mail["To"] == "member@example.org"
    assert mail["Subject"].startswith("Export done: ")
    assert mail["Message-ID"] == f"<export-{export.pk}-succeeded@portal.example.org>"
    [attached] = mail.iter_attachments()
    assert export.file is not None
    assert attached.get_filename() == export.file.name
    content = attached.get_content()
    raw = content.encode() if isinstance(content, str) else content
    kept = store.path_of(export.file).read_bytes()
    assert raw.replace(b"\r\n", b"\n").strip() == kept.replace(b"\r\n", b"\n").strip()
    body = mail.get_body(("plain",))
    assert body is not None
    assert export.file.sha256 in body.get_content()


def test_a_large_file_is_linked(cast: Cast, box: Sandbox, at: At, postbox: Postbox, settings: Settings) -> None:
    settings.MAIL_ATTACHMENT_BYTES = 10
    export = ended(cast, at)
    notices.send_due()

    [mail] = postbox.mails
    assert not list(mail.iter_attachments())
    assert f"https://portal.example.org/t/the-team/exports/{export.pk}/" in mail.get_content()


def test_a_failure_says_why_and_whose_turn_it_is(cast: Cast, box: Sandbox, at: At, postbox: Postbox) -> None:
    box.fault(provider="ulule", project="4001", on="submit", fault="job_fails")
    ended(cast, at)
    notices.send_due()

    [mail] = postbox.mails
    assert mail["Subject"].startswith("Export failed: ")
    assert "It is Ulule's turn" in mail.get_content()


def test_a_kind_without_a_file_says_so(cast: Cast, box: Sandbox, at: At, postbox: Postbox) -> None:
    ended(cast, at, "toloka", "archive")
    notices.send_due()
    assert "yields no file" in postbox.mails[0].get_content()


def test_a_server_that_refuses_is_tried_again_and_the_export_stays_as_it_is(
    cast: Cast, box: Sandbox, at: At, postbox: Postbox
) -> None:
    export = ended(cast, at)
    postbox.refuse = 1
    assert notices.send_due() == 0
    notice = Notice.objects.get(export=export)
    assert (notice.attempts, notice.sent_at) == (1, None)
    assert notice.due_at is not None
    assert notice.due_at > clock.now()

    Notice.objects.update(due_at=clock.now())
    assert notices.send_due() == 1
    export.refresh_from_db()
    assert export.status == states.SUCCEEDED
    assert len(postbox.mails) == 1


def test_a_server_that_is_away_changes_nothing(
    cast: Cast, box: Sandbox, at: At, postbox: Postbox, settings: Settings
) -> None:
    settings.EMAIL_PORT = 9
    export = ended(cast, at)
    assert notices.send_due() == 0
    export.refresh_from_db()
    assert export.status == states.SUCCEEDED
    assert "Refused" in Notice.objects.get(export=export).trouble


@pytest.mark.parametrize("how", ["removed", "inactive"])
def test_who_left_the_team_gets_no_mail_and_no_file(
    cast: Cast, box: Sandbox, at: At, postbox: Postbox, how: str
) -> None:
    export = ended(cast, at)
    if how == "removed":
        cast.member.delete()
    else:
        type(export.user).objects.filter(pk=export.user_id).update(is_active=False)
    assert notices.send_due() == 0
    notice = Notice.objects.get(export=export)
    assert (notice.due_at, notice.sent_at) == (None, None)
    assert "no longer in the team" in notice.trouble
    assert postbox.mails == []

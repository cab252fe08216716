"""The user of an export gets one mail when it ends, over real SMTP; a broken mail server changes nothing."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export, OutboxMessage
from exports.sandbox.server import Sandbox
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import deliver_due, request_export, run_to_end
from tests.helpers.smtp_inbox import SmtpInbox, text_of

OriginOf = Callable[[str], str]


def ended(cast: Cast, origin_of: OriginOf, provider: str = TABLES, type_: str = "orders") -> Export:
    return run_to_end(request_export(cast.project(provider, origin_of(provider)), cast.member, type_))


def test_a_small_file_is_attached(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox) -> None:
    export = ended(cast, origin_of)
    assert deliver_due() == 1
    assert deliver_due() == 0

    [mail] = postbox.mails
    assert mail["To"] == "member@example.org"
    assert mail["Subject"] == f"Orders of The {TABLES} one is ready"
    assert mail["Message-ID"] == f"<export-{export.pk}-succeeded@portal.example.org>"
    [attached] = mail.iter_attachments()
    assert export.file is not None
    assert attached.get_filename() == export.file.name
    content = attached.get_content()
    raw = content.encode() if isinstance(content, str) else content
    kept = files.path_of(export.file).read_bytes()
    assert raw.replace(b"\r\n", b"\n").strip() == kept.replace(b"\r\n", b"\n").strip()
    body = mail.get_body(("plain",))
    assert body is not None
    assert export.file.sha256 in body.get_content()


def test_a_large_file_is_linked(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox, settings: Settings
) -> None:
    settings.MAIL_ATTACHMENT_BYTES = 10
    export = ended(cast, origin_of)
    deliver_due()

    [mail] = postbox.mails
    assert not list(mail.iter_attachments())
    for part in ("plain", "html"):
        assert f"https://portal.example.org/t/the-team/exports/{export.pk}/" in text_of(mail, part)


def test_a_mail_about_a_failure_names_the_reason_and_who_must_act(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox
) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="job_fails")
    ended(cast, origin_of)
    deliver_due()

    [mail] = postbox.mails
    assert mail["Subject"] == f"Orders of The {TABLES} one failed"
    assert f"{TABLES.label}'s turn" in text_of(mail)


def test_a_kind_without_a_file_says_so(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox) -> None:
    ended(cast, origin_of, CHANGING, "archive")
    deliver_due()
    assert "This kind has no file." in text_of(postbox.mails[0])


def test_a_mail_server_that_refuses_is_tried_again_and_the_export_is_unchanged(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox
) -> None:
    export = ended(cast, origin_of)
    postbox.refuse = 1
    assert deliver_due() == 0
    notice = OutboxMessage.objects.get(export=export)
    assert (notice.attempts, notice.sent_at) == (1, None)
    assert notice.due_at is not None
    assert notice.due_at > clock.now()

    OutboxMessage.objects.update(due_at=clock.now())
    assert deliver_due() == 1
    export.refresh_from_db()
    assert export.status == states.SUCCEEDED
    assert len(postbox.mails) == 1


def test_an_unreachable_mail_server_changes_nothing(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox, settings: Settings
) -> None:
    settings.EMAIL_PORT = 9
    export = ended(cast, origin_of)
    assert deliver_due() == 0
    export.refresh_from_db()
    assert export.status == states.SUCCEEDED
    assert "Refused" in OutboxMessage.objects.get(export=export).last_error


@pytest.mark.parametrize("how", ["removed", "inactive"])
def test_a_former_member_gets_no_mail_and_no_file(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, postbox: SmtpInbox, how: str
) -> None:
    export = ended(cast, origin_of)
    if how == "removed":
        cast.member.delete()
    else:
        type(export.user).objects.filter(pk=export.user_id).update(is_active=False)
    assert deliver_due() == 0
    notice = OutboxMessage.objects.get(export=export)
    assert (notice.due_at, notice.sent_at) == (None, None)
    assert "no longer in the team" in notice.last_error
    assert postbox.mails == []

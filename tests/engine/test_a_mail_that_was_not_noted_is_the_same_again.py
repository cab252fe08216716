"""A worker that dies between sending a mail and noting it sends it once more, as the same mail."""

import contextlib

import pytest
from django.core import mail
from django.db import OperationalError

from exports import states
from exports.engine import clock, notices
from exports.models import Notice
from tests.cast import Cast
from tests.drive import ask


def test_the_second_has_the_message_id_of_the_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = ask(cast.project("ulule"), cast.member, "orders")
    export.move(states.FAILED, source="worker", error_code="internal", error_action="us")
    sent = mail.EmailMessage.send

    def sent_and_died(self: mail.EmailMessage) -> int:
        sent(self)
        raise OperationalError("the connection was cut")

    with monkeypatch.context() as patched:
        patched.setattr(mail.EmailMessage, "send", sent_and_died)
        with contextlib.suppress(OperationalError):
            notices.send_due()
    assert Notice.objects.get().sent_at is None
    Notice.objects.update(due_at=clock.now())
    assert notices.send_due() == 1
    assert notices.send_due() == 0

    one, two = mail.outbox
    assert one.extra_headers["Message-ID"] == two.extra_headers["Message-ID"]

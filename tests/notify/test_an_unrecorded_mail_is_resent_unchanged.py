"""A worker that dies between sending a mail and recording it sends the same mail again."""

import contextlib

import pytest
from django.core import mail
from django.db import OperationalError

from exports import clock, states
from exports.models import OutboxMessage
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import deliver_due, request_export


def test_the_second_mail_has_the_message_id_of_the_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    export.move(states.FAILED, source="worker", error_code="internal", error_action="us")
    sent = mail.EmailMessage.send

    def sent_and_died(self: mail.EmailMessage) -> int:
        sent(self)
        raise OperationalError("the connection was cut")

    with monkeypatch.context() as patched:
        patched.setattr(mail.EmailMessage, "send", sent_and_died)
        with contextlib.suppress(OperationalError):
            deliver_due()
    assert OutboxMessage.objects.get().sent_at is None
    OutboxMessage.objects.update(due_at=clock.now(), held_until=None)
    assert deliver_due() == 1
    assert deliver_due() == 0

    one, two = mail.outbox
    assert one.extra_headers["Message-ID"] == two.extra_headers["Message-ID"]

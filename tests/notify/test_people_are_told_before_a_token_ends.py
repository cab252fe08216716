"""Seven days before an API token expires its person is mailed once, unless it was revoked."""

from datetime import timedelta

import pytest
from django.core import mail

from exports import clock
from exports.models import OutboxMessage, Token
from exports.notify import outbox, token_notices
from exports.notify.delivery import NotDeliveredError
from exports.queue import deliveries
from tests.helpers.cast import Cast


def token_ending_in(cast: Cast, days: float, name: str = "nightly") -> Token:
    text = Token.issue(cast.member, name=name)
    row = Token.objects.get(digest=Token.digest_of(text))
    row.expires_at = clock.now() + timedelta(days=days)
    row.save()
    return row


def test_one_mail_names_the_token_and_the_day(cast: Cast) -> None:
    token_ending_in(cast, 30, "later")
    token_ending_in(cast, -1, "over")
    token = token_ending_in(cast, 5)
    assert token_notices.create_due() == 1
    assert token_notices.create_due() == 0
    message = OutboxMessage.objects.get()
    deliveries.reserve(1)
    assert outbox.deliver(message.pk) == 1
    assert mail.outbox[0].to == [cast.member.user.email]
    assert "Your token nightly expires on" in mail.outbox[0].subject
    assert token.prefix in str(mail.outbox[0].body)
    assert token.digest not in str(mail.outbox[0].body)


def test_a_token_that_was_revoked_meanwhile_is_not_told_of(cast: Cast) -> None:
    token = token_ending_in(cast, 5)
    token_notices.create_due()
    Token.objects.filter(pk=token.pk).update(revoked_at=clock.now())
    with pytest.raises(NotDeliveredError) as refused:
        token_notices.send(OutboxMessage.objects.get())
    assert refused.value.final
    assert mail.outbox == []

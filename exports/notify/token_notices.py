"""The mail before an API token expires: which one, and when."""

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from exports import clock, languages
from exports.models import OutboxMessage, Token
from exports.models.outbox import MAIL
from exports.models.token import NOTICE
from exports.notify import figures
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.figures import plain
from exports.notify.mail_body import build_mail
from exports.notify.mail_errors import Meaning, explain
from exports.notify.notification import MAX_NAME, WARNING, Fact, Notification
from exports.notify.page_urls import profile_url

# In a mail's payload: the token's id.
ENDING: Final = "ending token"
MAX_AT_ONCE: Final = 200


def create_due() -> int:
    """Queues a mail for each token that ends within NOTICE and was not told of yet. Returns how many those are."""
    now = clock.now()
    with transaction.atomic():
        rows = Token.objects.select_for_update(skip_locked=True, of=("self",)).select_related("member")
        rows = rows.filter(expires_at__gt=now, expires_at__lte=now + NOTICE, expiry_notified_at=None, revoked_at=None)
        tokens = list(rows.order_by("pk")[:MAX_AT_ONCE])
        Token.objects.filter(pk__in=[token.pk for token in tokens]).update(expiry_notified_at=now)
        OutboxMessage.objects.bulk_create(
            OutboxMessage(
                team_id=token.member.team_id,
                user_id=token.member.user_id,
                kind=MAIL,
                key=f"{ENDING}:{token.pk}",
                payload={ENDING: token.pk},
                due_at=now,
                host=MAIL,
            )
            for token in tokens
        )
    return len(tokens)


def is_token_notice(message: OutboxMessage) -> bool:
    """Whether the message is such a mail; it has neither an event nor an export."""
    return message.event_id is None and message.export_id is None and ENDING in message.payload


def send(message: OutboxMessage) -> Answer:
    """Sends the mail. Raises NotDeliveredError, also where the token was revoked meanwhile or its person is gone."""
    rows = Token.objects.select_related("member__user", "member__team").filter(pk=message.payload[ENDING])
    rows = rows.filter(revoked_at=None, member__user__is_active=True, member__user__email_confirmed=True)
    token = rows.first()
    if token is None or token.expires_at is None or token.has_expired:
        raise NotDeliveredError("The token has ended, or its person may get no mails.", final=True)
    with languages.reader_language(token.member.user):
        why = _("You get this because the token is yours.")
        mail = build_mail(_describe(token), token.member.user.email, f"token-{message.pk}", why)
    try:
        mail.send()
    except Exception as error:
        problem = explain(error)
        raise NotDeliveredError(problem.text, final=problem.meaning is not Meaning.LATER) from None
    return Answer()


def _describe(token: Token) -> Notification:
    assert token.expires_at is not None  # noqa: S101  for the type checker
    day = figures.day(token.expires_at, figures.zone_named(token.member.user.time_zone))
    name = plain(token.name, MAX_NAME) or f"{token.prefix}\N{HORIZONTAL ELLIPSIS}"
    facts = [Fact(_("Token"), f"{token.prefix}\N{HORIZONTAL ELLIPSIS}")]
    if token.used_at is not None:
        facts.append(Fact(_("Last used"), figures.day(token.used_at, figures.zone_named(token.member.user.time_zone))))
    return Notification(
        WARNING,
        _("API token"),
        _("Your token %(name)s expires on %(day)s") % {"name": name, "day": day},
        (_("What uses it stops working then."), _("Create a new one in your profile and replace it before.")),
        tuple(facts),
        plain(token.member.team.name, MAX_NAME),
        profile_url(),
        _("Open profile"),
    )

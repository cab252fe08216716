"""Security of accounts: second factors, sessions, the audit events and mails about changes of an account."""

import logging
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise

from exports import languages
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Team, User
from exports.sentences import translated

log = logging.getLogger(__name__)

# Recovery codes replace a lost second factor; they do not count as one.
SECOND_FACTOR_TYPES: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def second_factor_exists(user_id: str) -> Exists:
    """Returns a condition for queries: whether the user whose id is in this column has a second factor."""
    return Exists(Authenticator.objects.filter(user_id=OuterRef(user_id), type__in=SECOND_FACTOR_TYPES))


def has_second_factor(user: User) -> bool:
    """Whether the person has a second factor."""
    return Authenticator.objects.filter(user=user, type__in=SECOND_FACTOR_TYPES).exists()


def record_account_event(
    user: User, verb: str, thing: str, detail: str = "", *, by: User | str | None = None, address: str | None = None
) -> None:
    """Records what happened to an account in the audit log of each of the person's teams.

    `by`: None when the person did it themselves. `address`: by default that of the current request's client.
    """
    for team in Team.objects.for_user(user):
        audit_log.record_event(team, user if by is None else by, verb, thing, detail, address)


def send_security_mail(user: User, sentence: str | Promise, address: str = "", agent: str = "") -> bool:
    """Mails the person that their account changed. Returns whether the mail server accepted the mail.

    Nothing is sent to an unconfirmed address. `address` and `agent` are those of the client.
    """
    if not user.email_confirmed:
        return False
    context: dict[str, Any] = {"user": user, "at": timezone.now(), "address": address, "agent": agent}
    with languages.reader_language(user):
        context["sentence"] = translated(sentence)
        subject = " ".join(render_to_string("mail/security_notice_subject.txt", context).split())
        text = render_to_string("mail/security_notice.txt", context)
    try:
        return bool(EmailMessage(subject, text, to=[user.email]).send())
    except OSError as error:
        # The change itself stays; the audit logs of the teams have it as well.
        log.warning("A mail about the account of %s was not sent (%s).", user.pk, type(error).__name__)
        return False


def end_sessions(user: User, except_session_key: str = "") -> None:
    """Ends all sessions of the person except the one with this key."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=except_session_key):
        session.end()


def reset_second_factors(user: User, by: User | str) -> int:
    """Removes all second factors and recovery codes of a person who lost them, and ends their sessions.

    `by`: the member of the staff, or "a command". Returns the number of second factors. Raises ConflictError when
    there is none.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user)
        count = sum(row.type in SECOND_FACTOR_TYPES for row in rows)
        if not count:
            raise ConflictError(f"{user.email} has no second factor.")
        rows.delete()
        end_sessions(user)
        record_account_event(user, "removed second factor", f"all of {user.email}", "lost; sessions ended", by=by)
    send_security_mail(user, "An admin removed your second factors, because someone said you lost them.")
    return count

"""A person's account as their teams see it: who has a second factor, what changed and from where, lost factors."""

import logging
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils import timezone

from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Team, User

log = logging.getLogger(__name__)

# Recovery codes are a way in for who lost one of these; alone they are no second factor.
SECOND_FACTOR_TYPES: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def second_factor_exists(user_id: str) -> Exists:
    """For a query: whether the person in this column has a second factor."""
    return Exists(Authenticator.objects.filter(user_id=OuterRef(user_id), type__in=SECOND_FACTOR_TYPES))


def has_second_factor(user: User) -> bool:
    """Whether the person has a second factor."""
    return Authenticator.objects.filter(user=user, type__in=SECOND_FACTOR_TYPES).exists()


def record_account_event(
    user: User, verb: str, thing: str, detail: str = "", *, by: User | str | None = None, address: str | None = None
) -> None:
    """Notes in the activity of each of the person's teams what happened to the account.

    `by`: None for themselves. `address`: by default where the request under way comes from.
    """
    for team in Team.objects.for_user(user):
        audit_log.record_event(team, user if by is None else by, verb, thing, detail, address)


def send_security_mail(user: User, sentence: str, address: str = "", agent: str = "") -> bool:
    """Mails the person that something changed. Returns whether the mail could be handed over."""
    if not user.email_confirmed:
        return False
    context = {"user": user, "sentence": sentence, "at": timezone.now(), "address": address, "agent": agent}
    subject = " ".join(render_to_string("mail/security_notice_subject.txt", context).split())
    try:
        return bool(
            EmailMessage(subject, render_to_string("mail/security_notice.txt", context), to=[user.email]).send()
        )
    except OSError as error:
        # What has been done stays done; the teams' activity has it as well.
        log.warning("A mail about the account of %s was not sent (%s).", user.pk, type(error).__name__)
        return False


def end_sessions(user: User, except_session_key: str = "") -> None:
    """Signs the person out everywhere, but for the session with this key."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=except_session_key):
        session.end()


def reset_second_factors(user: User, by: User | str) -> int:
    """Takes all second factors and recovery codes from somebody who lost them, and ends their sessions.

    `by`: who of the staff, or "a command". Returns how many factors there were. Raises ConflictError when there is
    none.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user)
        count = sum(row.type in SECOND_FACTOR_TYPES for row in rows)
        if not count:
            raise ConflictError(f"{user.email} has no second factor.")
        rows.delete()
        end_sessions(user)
        record_account_event(user, "removed second factor", f"all of {user.email}", "lost; sessions ended", by=by)
    send_security_mail(
        user, "The portal's staff took away your second factors, because somebody said that you lost them."
    )
    return count

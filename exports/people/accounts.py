"""Who is an admin; accounts that end: deactivated, or deleted, which leaves a neutral name in the history."""

import logging
from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string

from exports import clock, languages
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Member, Team, Token, User
from exports.models.team import OWNER
from exports.people import offboarding, personal_data, security

log = logging.getLogger(__name__)

# RFC 2606, 2: no mail is ever delivered there.
NEUTRAL_DOMAIN: Final = "example.invalid"


def set_staff(user: User, is_staff: bool, by: User | str = "a command") -> None:
    """Makes a person an admin with all permissions in the admin site, or takes that away. The person's teams see it."""
    if user.is_staff == user.is_superuser == is_staff:
        return
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_staff=is_staff, is_superuser=is_staff)
        user.is_staff = user.is_superuser = is_staff
        security.record_account_event(user, "made admin" if is_staff else "removed admin", user.email, by=by)


def deactivate_account(user: User, by: User | str | None) -> None:
    """Deactivates an account: it cannot sign in, its tokens end, and so do its schedules and the alerts to it."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        user.is_active = False
        Token.objects.filter(member__user=user, revoked_at__isnull=True).update(revoked_at=clock.now())
        security.end_sessions(user)
        security.record_account_event(user, "deactivated account", f"of {user.email}", by=by or "a command")
        for team in Team.objects.for_user(user).order_by("pk"):
            offboarding.end_duties(team, user, offboarding.DEACTIVATED, by)


def teams_without_other_owner(user: User) -> QuerySet[Team]:
    """Returns the teams with other members whose only owner is this person: they must name another owner first."""
    active = Member.objects.filter(user__is_active=True).exclude(user=user)
    owned = Team.objects.filter(member__user=user, member__role=OWNER).order_by("name", "pk")
    return owned.filter(pk__in=active.values("team")).exclude(pk__in=active.filter(role=OWNER).values("team"))


def erase_account(user: User, by: User | str | None = None) -> User:
    """Deletes an account: nothing of it is left but a neutral name in the history of its teams.

    Ends memberships as leaving does, sessions, tokens, second factors and linked sign-ins, and mails the person.
    `by`: the member of the staff who does it; None is the person. Returns the row. Raises ConflictError when the
    account was deleted before, or is the only owner of a team with other members.
    """
    address = user.email if user.is_active and user.email_confirmed else ""
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if current.erased_at is not None:
            raise ConflictError("This account was deleted already.")
        _end_memberships(current, by)
        security.end_sessions(current)
        for model in (Authenticator, EmailAddress, SocialAccount):
            model.objects.filter(user=current).delete()
        name = f"Former member {current.pk}"
        neutral_address = f"former-member-{current.pk}@{NEUTRAL_DOMAIN}"
        personal_data.replace(current, neutral_address, name)
        _make_neutral(current, neutral_address, name)
    if address:
        with languages.reader_language(user):
            _mail_confirmation(address)
    return current


def _end_memberships(user: User, by: User | str | None) -> None:
    """Takes the person out of all teams. Raises ConflictError where a team with others would be left without owner."""
    # Locked in one order, so that two deletions cannot wait for each other.
    teams = list(
        Team.objects.select_for_update().filter(pk__in=Team.objects.for_user(user).values("pk")).order_by("pk")
    )
    if names := [team.name for team in teams_without_other_owner(user)]:
        raise ConflictError(f"Make someone else an owner of {', '.join(names)} first, or remove the other members.")
    for team in teams:
        Member.objects.filter(team=team, user=user).delete()
        audit_log.record_event(team, by or user, "deleted account", "own" if by is None else f"of {user.email}")
        offboarding.end_duties(team, user, offboarding.ERASED, by or user)


def _make_neutral(user: User, address: str, name: str) -> None:
    """Overwrites what the row says of the person, and saves it. It cannot sign in any more."""
    user.email, user.name, user.email_confirmed = address, name, False
    user.is_active = user.is_staff = user.is_superuser = False
    user.mail_success = user.mail_failure = False
    user.time_zone, user.theme, user.last_login = "UTC", "auto", None
    user.erased_at = clock.now()
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _mail_confirmation(address: str) -> None:
    """Tells the person, at the address that is no longer kept, that their account is gone."""
    subject = " ".join(render_to_string("mail/account_deleted_subject.txt").split())
    try:
        EmailMessage(subject, render_to_string("mail/account_deleted.txt"), to=[address]).send()
    except OSError as error:
        log.warning("The mail about a deleted account was not sent (%s).", type(error).__name__)

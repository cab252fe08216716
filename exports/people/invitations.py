"""Invitations to a team, and joining by them: limits, mails, links, new accounts."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string

from exports import clock, languages
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Invitation, Member, Team, User
from exports.models.team import OWNER
from exports.people import members

# Invitations go to any address that an owner types. The limits allow inviting a whole company, and prevent mail abuse.
MAX_MAILED_PER_HOUR: Final = 50
MAX_MAILED_PER_ADDRESS_A_DAY: Final = 5


def open_invitations(team: Team) -> QuerySet[Invitation]:
    """Returns the invitations that can still be accepted, newest first."""
    rows = Invitation.objects.select_related("created_by").filter(team=team, expires_at__gt=clock.now())
    return rows.filter(accepted_at__isnull=True, revoked_at__isnull=True, created_by__in=_current_owners(team.pk))


def _current_owners(team_id: int) -> QuerySet[User]:
    """Returns the active owners. Only their invitations are valid, so a removed owner cannot rejoin by an own link."""
    return User.objects.filter(is_active=True, member__team_id=team_id, member__role=OWNER)


def create_invitation(team: Team, by: User, role: str, email: str = "") -> tuple[Invitation, str]:
    """Creates an invitation, and returns it with the token of its link, which is not stored. Raises InvalidError.

    An invitation to an address revokes the open ones to the same address.
    """
    members.check_role(role)
    email = email.strip().lower()
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise InvalidError({"email": [f"“{email}” is not an e-mail address."]}) from None
        if Member.objects.filter(team=team, user__email__iexact=email).exists():
            raise InvalidError({"email": [f"{email} is in the team already."]})
    token = Invitation.new_token()
    with members.locked(team):
        if email:
            _check_mail_limits(team, email)
            open_invitations(team).filter(email=email).update(revoked_at=clock.now())
        invitation = Invitation.objects.create(
            team=team, email=email, role=role, digest=Invitation.digest_of(token), created_by=by
        )
        audit_log.record_event(team, by, "invited", email or f"anyone with link {invitation.pk}", f"as {role}")
    return invitation, token


def _check_mail_limits(team: Team, email: str) -> None:
    """Raises InvalidError when the team, or all teams to this address, have mailed the maximum of invitations."""
    now = clock.now()
    mailed = Invitation.objects.exclude(email="")
    if mailed.filter(team=team, created_at__gt=now - timedelta(hours=1)).count() >= MAX_MAILED_PER_HOUR:
        reason = f"{MAX_MAILED_PER_HOUR} invitations were mailed within an hour. Wait, or hand out a link instead."
        raise InvalidError({"email": [reason]})
    if mailed.filter(email=email, created_at__gt=now - timedelta(days=1)).count() >= MAX_MAILED_PER_ADDRESS_A_DAY:
        # The sentence names neither the number nor the senders: they may be other teams' invitations.
        reason = f"Too many invitations to {email} today. Leave the address empty and send the link yourself."
        raise InvalidError({"email": [reason]})


def send_invitation(invitation: Invitation, address: str) -> bool:
    """Mails the link `address` to the invited person. Returns whether the mail server accepted the mail."""
    address = f"{address}?mailed={invitation.email_proof}"
    context = {"invitation": invitation, "address": address, "portal": settings.PUBLIC_URL}
    invited = User.objects.filter(email__iexact=invitation.email).first()
    with languages.reader_language(invited) if invited else languages.team_language(invitation.team):
        # A line break in a name would end the Subject header.
        subject = " ".join(render_to_string("mail/invitation_subject.txt", context).split())
        text = render_to_string("mail/invitation.txt", context)
    return _send(EmailMessage(subject, text, to=[invitation.email]))


def send_confirmation(user: User, address: str) -> bool:
    """Mails the link `address` that confirms the user's mail address. Returns whether the mail server accepted it."""
    context = {"user": user, "address": address}
    with languages.reader_language(user):
        subject = " ".join(render_to_string("mail/confirm_address_subject.txt", context).split())
        text = render_to_string("mail/confirm_address.txt", context)
    return _send(EmailMessage(subject, text, to=[user.email]))


def _send(mail: EmailMessage) -> bool:
    """Sends a mail at once. Returns False when the mail server cannot be reached or refuses."""
    try:
        return bool(mail.send())
    except OSError:
        return False


def revoke_invitation(invitation: Invitation, by: User) -> None:
    """Revokes an invitation. Raises ConflictError when it has been accepted or revoked."""
    with members.locked(invitation.team):
        rows = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True)
        if not rows.update(revoked_at=clock.now()):
            raise ConflictError("This invitation was accepted or revoked already.")
        invitee = invitation.email or f"anyone with link {invitation.pk}"
        audit_log.record_event(invitation.team, by, "revoked", f"invitation of {invitee}")


def find_invitation(token: str) -> Invitation | None:
    """Returns the invitation of a link, open or closed; None when there is none."""
    rows = Invitation.objects.select_related("team", "created_by")
    return rows.filter(digest=Invitation.digest_of(token)).first()


def closed_reason(invitation: Invitation) -> str:
    """Returns why the invitation can no longer be accepted, and what to do; "" while it is open."""
    if invitation.accepted_at:
        return f"This invitation was used already. If you are the one who joined {invitation.team}, sign in."
    if invitation.revoked_at:
        return "This invitation was revoked. Ask for a new one."
    if not invitation.is_open:
        return "This invitation has expired. Ask for a new one."
    if invitation.created_by not in _current_owners(invitation.team_id):
        return f"The person who sent this invitation is no longer an owner of {invitation.team}. Ask another owner."
    return ""


def accept_invitation(invitation: Invitation, user: User, proof: str = "") -> Member:
    """Makes the person a member, once. Raises ConflictError when the invitation is closed or for somebody else.

    `proof`: the parameter of the mailed link. It confirms the person's mail address when that is the invited one.
    """
    is_invited_address = bool(invitation.email) and invitation.email.lower() == user.email.lower()
    if is_invited_address and not user.email_confirmed:
        if not invitation.is_email_proof(proof):
            raise ConflictError(
                f"{user.email} isn't confirmed. Open the link that we mailed there, or confirm it in your profile."
            )
        user.email_confirmed = True
        user.save(update_fields=["email_confirmed"])
    return _join(invitation, user)


def _join(invitation: Invitation, user: User) -> Member:
    """Accepts the invitation and creates the membership. Raises ConflictError."""
    with members.locked(invitation.team):
        current = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if Member.objects.filter(team_id=current.team_id, user=user).exists():
            raise ConflictError(f"You're already in {invitation.team}.")
        if reason := closed_reason(current):
            raise ConflictError(reason)
        if current.email and current.email.lower() != user.email.lower():
            raise ConflictError(f"This invitation is for {current.email}, and you are {user.email}.")
        current.accepted_at, current.accepted_by = clock.now(), user
        current.save(update_fields=["accepted_at", "accepted_by"])
        member = Member.objects.create(team_id=current.team_id, user=user, role=current.role)
        detail = f"as {current.role}, by invitation {current.pk}"
        audit_log.record_event(current.team_id, user, "joined", "the team", detail)
    return member


def create_account(
    invitation: Invitation, *, email: str, name: str, password: str, time_zone: str = "", proof: str = ""
) -> User:
    """Creates an account and its membership from an invitation. Raises InvalidError, ConflictError.

    `time_zone`: the browser's; "" for UTC.

    The mail address counts as confirmed only when the link came by mail (`proof`). A typed address, or one from a link
    that an owner passed on, is unconfirmed.
    """
    email = (invitation.email or email).strip().lower()
    errors: dict[str, list[str]] = {}
    try:
        validate_email(email)
        if User.objects.filter(email__iexact=email).exists():
            errors["email"] = ["There is an account with this address. Sign in, then open the link again."]
    except ValidationError:
        errors["email"] = ["Enter your e-mail address, like name@example.org."]
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        errors["password"] = error.messages
    if errors:
        raise InvalidError(errors)
    with transaction.atomic():
        confirmed = invitation.is_email_proof(proof)
        zone = {"time_zone": time_zone} if time_zone else {}
        user = User.objects.create_user(email, password, name=name.strip()[:150], email_confirmed=confirmed, **zone)
        _join(invitation, user)
    return user

"""The members of a team: invitations, joining, roles, leaving. A team always keeps an owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Max, QuerySet
from django.template.loader import render_to_string

from exports import clock, languages
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Invitation, Member, Team, User
from exports.models.team import OWNER, VIEWER
from exports.people import offboarding, security

# Invitations go to any address that an owner types. The limits allow inviting a whole company, and prevent mail abuse.
MAX_MAILED_PER_HOUR: Final = 50
MAX_MAILED_PER_ADDRESS_A_DAY: Final = 5
LAST_OWNER_MESSAGE = "A team needs an owner. Make someone else an owner first."


@contextmanager
def _locked(team: Team) -> Iterator[None]:
    """Locks the team, so that changes of its members run one at a time and two owners cannot leave at once."""
    with transaction.atomic():
        # Without the key, whose lock every new row of the team would wait for.
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        yield


def _reload(member: Member) -> Member:
    """Returns the member's current row, under the team's lock. Raises ConflictError when it has been removed."""
    current = Member.objects.select_related("team", "user").filter(pk=member.pk).first()
    if current is None:
        raise ConflictError("This person is no longer in the team.")
    return current


def _check_other_owner(member: Member) -> None:
    """Raises ConflictError when the member is the only owner who can sign in."""
    others = Member.objects.filter(team_id=member.team_id, role=OWNER, user__is_active=True).exclude(pk=member.pk)
    if member.role == OWNER and not others.exists():
        raise ConflictError(LAST_OWNER_MESSAGE)


def _check_role(role: str) -> None:
    """Raises InvalidError when there is no such role."""
    if role not in dict(Member.ROLES):
        raise InvalidError({"role": [f"Choose one of: {', '.join(dict(Member.ROLES))}."]})


def add_member(member: Member, by: User | str | None) -> Member:
    """Saves a new membership (the portal's staff; people join by invitation)."""
    with _locked(member.team):
        member.save()
        audit_log.record_event(member.team, by, "added", f"member {member.user.email}", f"as {member.role}")
    return member


def change_role(member: Member, role: str, by: User | str | None) -> Member:
    """Changes a member's role; the schedules of who becomes a viewer stop. Raises InvalidError, ConflictError."""
    _check_role(role)
    with _locked(member.team):
        current = _reload(member)
        if current.role == role:
            return current
        _check_other_owner(current)
        old_role, current.role = current.role, role
        current.save(update_fields=["role"])
        detail = f"from {old_role} to {role}"
        audit_log.record_event(current.team, by, "changed role", f"member {current.user.email}", detail)
        if role == VIEWER:
            offboarding.stop_schedules(current.team, current.user, offboarding.BECAME_VIEWER, by)
    return current


def remove_member(member: Member, by: User | str | None) -> None:
    """Removes a member with their tokens, schedules, alerts; exports go on. Raises ConflictError for the last owner."""
    _end_membership(member, by, "removed", f"member {member.user.email}")


def leave_team(member: Member) -> None:
    """Removes the member who leaves, as `remove_member` does. Raises ConflictError for the last owner."""
    _end_membership(member, member.user, "left", "the team")


def _end_membership(member: Member, by: User | str | None, verb: str, target: str) -> None:
    with _locked(member.team):
        current = _reload(member)
        _check_other_owner(current)
        current.delete()
        audit_log.record_event(current.team, by, verb, target, f"was {current.role}")
        offboarding.end_duties(current.team, current.user, offboarding.LEFT, by)


# ---------------------------------------------------------------- invitations


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
    _check_role(role)
    email = email.strip().lower()
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise InvalidError({"email": [f"“{email}” is not an e-mail address."]}) from None
        if Member.objects.filter(team=team, user__email__iexact=email).exists():
            raise InvalidError({"email": [f"{email} is in the team already."]})
    token = Invitation.new_token()
    with _locked(team):
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
    with _locked(invitation.team):
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
    with _locked(invitation.team):
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


# ---------------------------------------------------------------- second factors


def require_second_factor(team: Team, by: User, wanted: bool) -> bool:
    """Sets whether the team's pages require a second factor of every member. Returns whether that is a change.

    Raises ConflictError when the owner has no second factor, because they would lock themselves out.
    """
    if wanted and not security.has_second_factor(by):
        raise ConflictError("Set up two-factor authentication for yourself first.")
    rows = Team.objects.filter(pk=team.pk, require_second_factor=not wanted)
    with _locked(team):
        if changed := bool(rows.update(require_second_factor=wanted)):
            audit_log.record_event(team, by, "demanded", "a second factor" if wanted else "no second factor any more")
    team.require_second_factor = wanted
    return changed


# ---------------------------------------------------------------- listing


def list_members(team: Team) -> list[tuple[Member, datetime | None]]:
    """Returns the members, each with the time of their last sign-in or of the last use of a token of this team.

    Each member is annotated with `has_second_factor`.
    """
    rows = Member.objects.filter(team=team).select_related("user", "team").order_by("user__name", "user__email")
    rows = rows.annotate(token_used=Max("token__used_at"), has_second_factor=security.second_factor_exists("user_id"))
    return [(member, max(filter(None, (member.user.last_login, member.token_used)), default=None)) for member in rows]

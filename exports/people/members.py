"""Who belongs to a team: inviting, joining, roles, leaving. A team always keeps an owner."""

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

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Invitation, Member, Team, User
from exports.models.team import OWNER
from exports.people import security

# Mails with the portal's name to whatever address an owner types: enough for a whole company, too few to pester.
MAX_MAILED_PER_HOUR: Final = 50
MAX_MAILED_PER_ADDRESS_A_DAY: Final = 5
LAST_OWNER_MESSAGE = "A team needs an owner. Make somebody else an owner first."


@contextmanager
def _locked(team: Team) -> Iterator[None]:
    """One change of a team's people at a time, so that two owners cannot both go because the other is there."""
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        yield


def _again(member: Member) -> Member:
    """The member as it is now that the team is locked. Raises ConflictError when somebody removed it meanwhile."""
    found = Member.objects.select_related("team", "user").filter(pk=member.pk).first()
    if found is None:
        raise ConflictError("This person is no longer in the team.")
    return found


def _keep_an_owner(member: Member) -> None:
    """Raises ConflictError when the member is the only owner who can sign in."""
    others = Member.objects.filter(team_id=member.team_id, role=OWNER, user__is_active=True).exclude(pk=member.pk)
    if member.role == OWNER and not others.exists():
        raise ConflictError(LAST_OWNER_MESSAGE)


def _known_role(role: str) -> str:
    if role not in dict(Member.ROLES):
        raise InvalidError({"role": [f"Choose one of: {', '.join(dict(Member.ROLES))}."]})
    return role


def change_role(member: Member, role: str, by: User | None) -> Member:
    """Gives a member another role. Raises InvalidError, ConflictError."""
    _known_role(role)
    with _locked(member.team):
        now = _again(member)
        if now.role == role:
            return now
        _keep_an_owner(now)
        before, now.role = now.role, role
        now.save(update_fields=["role"])
        audit_log.record_event(now.team, by, "changed role", f"member {now.user.email}", f"from {before} to {role}")
    return now


def remove_member(member: Member, by: User | None) -> None:
    """Takes a person out of the team; their tokens go with it, their open exports go on. Raises ConflictError."""
    with _locked(member.team):
        now = _again(member)
        _keep_an_owner(now)
        now.delete()
        audit_log.record_event(now.team, by, "removed", f"member {now.user.email}", f"was {now.role}")


def leave_team(member: Member) -> None:
    """A person goes by themselves. Raises ConflictError."""
    with _locked(member.team):
        now = _again(member)
        _keep_an_owner(now)
        now.delete()
        audit_log.record_event(now.team, now.user, "left", "the team", f"was {now.role}")


# ---------------------------------------------------------------- invitations


def open_invitations(team: Team) -> QuerySet[Invitation]:
    """Those that can still be taken, newest first."""
    rows = Invitation.objects.select_related("created_by").filter(team=team, expires_at__gt=clock.now())
    return rows.filter(accepted_at__isnull=True, revoked_at__isnull=True, created_by__in=_inviting(team.pk))


def _inviting(team_id: int) -> QuerySet[User]:
    """Who may invite now: else somebody put out of the team would come back by a link of their own making."""
    return User.objects.filter(is_active=True, member__team_id=team_id, member__role=OWNER)


def create_invitation(team: Team, by: User, role: str, email: str = "") -> tuple[Invitation, str]:
    """An invitation and the token of its link, which can't be had again. Raises InvalidError.

    One to an address takes the place of an earlier one to it.
    """
    _known_role(role)
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
            _not_too_many(team, email)
            open_invitations(team).filter(email=email).update(revoked_at=clock.now())
        made = Invitation.objects.create(
            team=team, email=email, role=role, digest=Invitation.digest_of(token), created_by=by
        )
        audit_log.record_event(team, by, "invited", email or f"whoever has link {made.pk}", f"as {role}")
    return made, token


def _not_too_many(team: Team, email: str) -> None:
    """Raises InvalidError when so many invitations were mailed that one more would pester somebody."""
    now = clock.now()
    mailed = Invitation.objects.exclude(email="")
    if mailed.filter(team=team, created_at__gt=now - timedelta(hours=1)).count() >= MAX_MAILED_PER_HOUR:
        why = f"{MAX_MAILED_PER_HOUR} invitations were mailed within an hour. Wait, or hand out a link instead."
        raise InvalidError({"email": [why]})
    if mailed.filter(email=email, created_at__gt=now - timedelta(days=1)).count() >= MAX_MAILED_PER_ADDRESS_A_DAY:
        # Not how often, nor by whom: another team's invitations are not this one's to know of.
        why = f"No more is mailed to {email} today. Hand out a link without an address."
        raise InvalidError({"email": [why]})


def send_invitation(invitation: Invitation, address: str) -> bool:
    """Mails the link to whom it is bound to. Returns whether the mail could be handed over."""
    address = f"{address}?mailed={invitation.email_proof}"
    context = {"invitation": invitation, "address": address, "portal": settings.PUBLIC_URL}
    # A line break in a name would end the header.
    subject = " ".join(render_to_string("mail/invitation_subject.txt", context).split())
    return _sent(EmailMessage(subject, render_to_string("mail/invitation.txt", context), to=[invitation.email]))


def send_confirmation(user: User, address: str) -> bool:
    """Mails the link that confirms an address to it. Returns whether the mail could be handed over."""
    context = {"user": user, "address": address}
    subject = " ".join(render_to_string("mail/confirm_address_subject.txt", context).split())
    return _sent(EmailMessage(subject, render_to_string("mail/confirm_address.txt", context), to=[user.email]))


def _sent(mail: EmailMessage) -> bool:
    try:
        return bool(mail.send())
    except OSError:
        return False


def revoke_invitation(invitation: Invitation, by: User) -> None:
    """Makes a link useless. Raises ConflictError when it was taken already."""
    with _locked(invitation.team):
        rows = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True)
        if not rows.update(revoked_at=clock.now()):
            raise ConflictError("This invitation was taken or revoked already.")
        whom = invitation.email or f"whoever has link {invitation.pk}"
        audit_log.record_event(invitation.team, by, "revoked", f"invitation of {whom}")


def find_invitation(token: str) -> Invitation | None:
    """The invitation of a link, whatever became of it."""
    rows = Invitation.objects.select_related("team", "created_by")
    return rows.filter(digest=Invitation.digest_of(token)).first()


def closed_reason(invitation: Invitation) -> str:
    """Why it can no longer be taken, and what to do; "" while it can."""
    if invitation.accepted_at:
        return f"This invitation was used already. If you are the one who joined {invitation.team}, sign in."
    if invitation.revoked_at:
        return "This invitation was revoked. Ask whoever sent it for a new one."
    if not invitation.is_open:
        return "This invitation has expired. Ask whoever sent it for a new one."
    if invitation.created_by not in _inviting(invitation.team_id):
        return f"Whoever sent this invitation is no longer an owner of {invitation.team}. Ask another owner."
    return ""


def accept_invitation(invitation: Invitation, user: User, proof: str = "") -> Member:
    """Makes the person a member, once. Raises ConflictError.

    `proof`: what the mailed link had. It also confirms the person's address, when that is the invited one.
    """
    same = bool(invitation.email) and invitation.email.lower() == user.email.lower()
    if same and not user.email_confirmed:
        if not invitation.is_email_proof(proof):
            raise ConflictError(
                f"Nothing has shown yet that {user.email} is your address. Open the link in the mail that was sent"
                " there, or confirm the address on your profile page."
            )
        user.email_confirmed = True
        user.save(update_fields=["email_confirmed"])
    return _take(invitation, user)


def _take(invitation: Invitation, user: User) -> Member:
    with _locked(invitation.team):
        now = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if Member.objects.filter(team_id=now.team_id, user=user).exists():
            raise ConflictError(f"You are in {invitation.team} already.")
        if why := closed_reason(now):
            raise ConflictError(why)
        if now.email and now.email.lower() != user.email.lower():
            raise ConflictError(f"This invitation is for {now.email}, and you are {user.email}.")
        now.accepted_at, now.accepted_by = clock.now(), user
        now.save(update_fields=["accepted_at", "accepted_by"])
        member = Member.objects.create(team_id=now.team_id, user=user, role=now.role)
        audit_log.record_event(now.team_id, user, "joined", "the team", f"as {now.role}, by invitation {now.pk}")
    return member


def create_account(invitation: Invitation, *, email: str, name: str, password: str, proof: str = "") -> User:
    """An account for whoever was invited, and the membership. Raises InvalidError, ConflictError.

    Its address is confirmed when the link came by mail (`proof`); typed, or from a link that an owner handed on, it
    is anybody's word.
    """
    email = (invitation.email or email).strip().lower()
    errors: dict[str, list[str]] = {}
    try:
        validate_email(email)
        if User.objects.filter(email__iexact=email).exists():
            errors["email"] = ["There is an account with this address. Sign in, then open the link again."]
    except ValidationError:
        errors["email"] = ["Give your e-mail address, like name@example.org."]
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as problem:
        errors["password"] = problem.messages
    if errors:
        raise InvalidError(errors)
    with transaction.atomic():
        confirmed = invitation.is_email_proof(proof)
        user = User.objects.create_user(email, password, name=name.strip()[:150], email_confirmed=confirmed)
        _take(invitation, user)
    return user


# ---------------------------------------------------------------- second factors


def require_second_factor(team: Team, by: User, wanted: bool) -> bool:
    """Has every member need a second factor for the team's pages, or no longer. Returns whether that is new.

    Raises ConflictError when the owner has none: they would shut themselves out.
    """
    if wanted and not security.has_second_factor(by):
        raise ConflictError(
            "Set up a second factor for yourself first, on your profile page; then demand it of others."
        )
    with _locked(team):
        changed = bool(
            Team.objects.filter(pk=team.pk, require_second_factor=not wanted).update(require_second_factor=wanted)
        )
        if changed:
            audit_log.record_event(team, by, "demanded", "a second factor" if wanted else "no second factor any more")
    team.require_second_factor = wanted
    return changed


# ---------------------------------------------------------------- looking


def list_members(team: Team) -> list[tuple[Member, datetime | None]]:
    """The members, and when each was last seen: the later of the sign-in and the use of a token in this team.

    Each member's `has_second_factor` says whether the person has a second factor.
    """
    rows = Member.objects.filter(team=team).select_related("user", "team").order_by("user__name", "user__email")
    found = rows.annotate(token_used=Max("token__used_at"), has_second_factor=security.second_factor_exists("user_id"))
    return [(one, max(filter(None, (one.user.last_login, one.token_used)), default=None)) for one in found]

"""Creating teams, and API tokens of their members."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.text import slugify

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Member, Team, Token, User
from exports.models.team import OWNER
from exports.models.token import READ, WRITE
from exports.people import security

# What staff set of a team, as the audit log names it.
STAFF_LABELS: Final = {
    "name": "the team's name",
    "slug": "the team's address",
    "quota_bytes": "most bytes kept",
    "require_second_factor": "whether a second factor is required",
}


def create_team(name: str, owner_email: str, password: str | None = None) -> tuple[Team, User, bool]:
    """Creates a team, and its owner's account if there is none; returns whether the account is new.

    Raises InvalidError.
    """
    errors: dict[str, list[str]] = {}
    name = name.strip()
    slug = slugify(name)
    if not slug or len(name) > 100:
        errors["name"] = ["A team's name has 1 to 100 characters, among them letters or digits."]
    elif Team.objects.filter(slug=slug).exists():
        errors["name"] = [f"There is a team “{slug}” already. Choose another name."]
    try:
        validate_email(owner_email)
    except ValidationError:
        errors["owner"] = [f"“{owner_email}” is not an e-mail address."]
    if errors:
        raise InvalidError(errors)
    with transaction.atomic():
        user = User.objects.filter(email__iexact=owner_email).first()
        is_new = user is None
        if user is None:
            user = User.objects.create_user(owner_email, password)
        team = Team.objects.create(name=name, slug=slug)
        Member.objects.create(team=team, user=user, role=OWNER)
    return team, user, is_new


def record_staff_change(team: Team, by: User, before: Mapping[str, Any] | None) -> None:
    """Records what the portal's staff changed of a team. `before`: the old values by field; None for a new team."""
    if before is None:
        audit_log.record_event(team, by, "made", f"team {team}")
    for name, value in (before or {}).items():
        texts = ["none" if text is None or text == "" else str(text) for text in (value, getattr(team, name))]
        audit_log.record_event(team, by, "changed", STAFF_LABELS.get(name, name), f"from {texts[0]} to {texts[1]}")


def create_member_token(email: str, team_slug: str, scope: str = WRITE, name: str = "") -> str:
    """Creates an API token for a member (by command) and returns its text, which is not stored. Raises InvalidError."""
    if scope not in (READ, WRITE):
        raise InvalidError({"scope": ["Choose read or write."]})
    team = Team.objects.filter(slug=team_slug).first()
    if team is None:
        raise InvalidError({"team": [f"There is no team “{team_slug}”."]})
    member = Member.objects.filter(team=team, user__email__iexact=email, user__is_active=True).first()
    if member is None:
        raise InvalidError({"email": [f"“{email}” is not a member of {team.name}."]})
    with transaction.atomic():
        audit_log.record_event(team, None, "made", f"token {name}".strip(), f"for {member.user.email}, may {scope}")
        return Token.issue(member, scope, name)


def create_own_token(member: Member, scope: str, name: str, days: int | None = None) -> str:
    """Creates a member's own API token and returns its text, which is not stored. Raises InvalidError.

    It expires after `days`; None is never. Where the team requires a second factor, a member without one gets no
    token, because a token gives the same access as the pages, for longer.
    """
    if member.team.require_second_factor and not security.has_second_factor(member.user):
        text = f"{member.team.name} requires two-factor authentication. Set it up first, then create the token."
        raise InvalidError({"member": [text]})
    if scope not in (READ, WRITE):
        raise InvalidError({"scope": ["Choose read or write."]})
    if len(name) > 100:
        raise InvalidError({"name": ["A name has at most 100 characters."]})
    with transaction.atomic():
        text = Token.issue(member, scope, name.strip())
        token = Token.objects.get(digest=Token.digest_of(text))
        if days is not None:
            token.expires_at = clock.seconds_from_now(days * 86400)
            token.save(update_fields=["expires_at"])
        audit_log.record_event(
            member.team, member.user, "made", f"token {token.prefix}… {token.name}".strip(), f"may {scope}"
        )
    return text


def revoke_token(token: Token, by: User) -> None:
    """Revokes a token at once. Raises ConflictError when it has been revoked already."""
    with transaction.atomic():
        if not Token.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=clock.now()):
            raise ConflictError("This token was revoked already.")
        thing = f"token {token.prefix}… {token.name}".strip()
        detail = "" if token.member.user_id == by.pk else f"of {token.member.user.email}"
        audit_log.record_event(token.member.team, by, "revoked", thing, detail)

"""Memberships that an identity provider's groups govern: set, raised, lowered or removed at each sign-in."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import AuditEntry, Member, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.people import members

log = logging.getLogger(__name__)

# From the lowest.
ROLES: Final = (VIEWER, MEMBER, OWNER)
# So often it is said that somebody stays owner because the team needs one.
KEPT_AGAIN: Final = timedelta(days=30)


@dataclass(frozen=True)
class Grant:
    """What a group gives: a role in the team of this slug."""

    team: str
    role: str


def read_groups(claims: Mapping[str, Any], name: str) -> list[str] | None:
    """Returns the groups in the claim of this name; None where there is no such claim, or one that cannot be read.

    A dotted name leads into objects (`realm_access.roles`), unless there is a claim of that very name.
    """
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return value


def apply_groups(user: User, groups: Iterable[str], mapping: Mapping[str, Sequence[Grant]], by: str) -> None:
    """Makes the person's memberships of all teams that the mapping names what their groups say, each with an event.

    Somebody without a group of such a team leaves it. Who is its last owner stays owner, and an event says so. `by`:
    the identity provider's name, for the events.
    """
    grants = [grant for group in dict.fromkeys(groups) for grant in mapping.get(group, ())]
    for slug in sorted({grant.team for grants_ in mapping.values() for grant in grants_}):
        team = Team.objects.filter(slug=slug).first()
        if team is None:
            log.warning("OIDC_GROUPS names the team %s, which does not exist.", slug)
            continue
        roles = [grant.role for grant in grants if grant.team == slug]
        _apply(team, user, max(roles, key=ROLES.index, default=None), by)


def _apply(team: Team, user: User, role: str | None, by: str) -> None:
    member = Member.objects.select_related("team", "user").filter(team=team, user=user).first()
    try:
        if member is None:
            if role is not None:
                members.add_member(Member(team=team, user=user, role=role), by)
        elif role is None:
            members.remove_member(member, by)
        else:
            members.change_role(member, role, by)
    except ConflictError:
        _record_kept(team, user, role or "nobody", by)


def _record_kept(team: Team, user: User, wanted: str, by: str) -> None:
    log.warning("%s stays the owner of %s although the groups say %s: a team needs an owner.", user, team, wanted)
    target = f"owner {user.email}"
    recent = AuditEntry.objects.filter(team=team, verb="kept", target=target, at__gt=clock.now() - KEPT_AGAIN)
    if not recent.exists():
        audit_log.record_event(team, by, "kept", target, f"the groups say {wanted}, and a team needs an owner")

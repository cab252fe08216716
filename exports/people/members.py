"""The members of a team: roles, leaving, second factors. A team always keeps an owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Member, Team, User
from exports.models.team import OWNER, VIEWER
from exports.people import offboarding, security

LAST_OWNER_MESSAGE = "A team needs an owner. Make someone else an owner first."


@contextmanager
def locked(team: Team) -> Iterator[None]:
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


def check_role(role: str) -> None:
    """Raises InvalidError when there is no such role."""
    if role not in dict(Member.ROLES):
        raise InvalidError({"role": [f"Choose one of: {', '.join(dict(Member.ROLES))}."]})


def add_member(member: Member, by: User | str | None) -> Member:
    """Saves a new membership (the portal's staff; people join by invitation)."""
    with locked(member.team):
        member.save()
        audit_log.record_event(member.team, by, "added", f"member {member.user.email}", f"as {member.role}")
    return member


def change_role(member: Member, role: str, by: User | str | None) -> Member:
    """Changes a member's role; the schedules of who becomes a viewer stop. Raises InvalidError, ConflictError."""
    check_role(role)
    with locked(member.team):
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
    with locked(member.team):
        current = _reload(member)
        _check_other_owner(current)
        current.delete()
        audit_log.record_event(current.team, by, verb, target, f"was {current.role}")
        offboarding.end_duties(current.team, current.user, offboarding.LEFT, by)


def require_second_factor(team: Team, by: User, wanted: bool) -> bool:
    """Sets whether the team's pages require a second factor of every member. Returns whether that is a change.

    Raises ConflictError when the owner has no second factor, because they would lock themselves out.
    """
    if wanted and not security.has_second_factor(by):
        raise ConflictError("Set up two-factor authentication for yourself first.")
    rows = Team.objects.filter(pk=team.pk, require_second_factor=not wanted)
    with locked(team):
        if changed := bool(rows.update(require_second_factor=wanted)):
            audit_log.record_event(team, by, "demanded", "a second factor" if wanted else "no second factor any more")
    team.require_second_factor = wanted
    return changed


def list_members(team: Team) -> list[tuple[Member, datetime | None]]:
    """Returns the members, each with the time of their last sign-in or of the last use of a token of this team.

    Each member is annotated with `has_second_factor`.
    """
    rows = Member.objects.filter(team=team).select_related("user", "team").order_by("user__name", "user__email")
    rows = rows.annotate(token_used=Max("token__used_at"), has_second_factor=security.second_factor_exists("user_id"))
    return [(member, max(filter(None, (member.user.last_login, member.token_used)), default=None)) for member in rows]

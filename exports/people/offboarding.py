"""What ends when a member leaves, becomes a viewer, or cannot sign in any more: schedules, alerts to them, mails."""

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from exports.audit import log as audit_log
from exports.crypto import CryptoError
from exports.models import Alert, AutoProtection, Export, Member, OutboxMessage, Schedule, Team, Token, User
from exports.models import alert as alert_kinds
from exports.models.outbox import MAIL

# Why a schedule stopped, for its page and its event.
LEFT: Final = "Its owner left the team."
BECAME_VIEWER: Final = "Its owner is a viewer now."
DEACTIVATED: Final = "Its owner's account was deactivated."
ERASED: Final = "Its owner's account was deleted."


@dataclass(frozen=True)
class RemovalImpact:
    """How much ends when a member leaves: tokens, schedules, credentials whose new projects are added, alerts.

    `open_exports` go on and stay with the team.
    """

    tokens: int
    open_exports: int
    schedules: int
    protections: int
    alerts: int


def removal_impact(member: Member) -> RemovalImpact:
    """Returns what ends and what goes on when the member leaves the team."""
    return RemovalImpact(
        tokens=Token.objects.filter(member=member, revoked_at__isnull=True).count(),
        open_exports=Export.objects.open().filter(team=member.team_id, user=member.user_id).count(),
        schedules=_schedules(member.team_id, member.user_id).count(),
        protections=_protections(member.team_id, member.user_id).count(),
        alerts=len(_alerts_to(member.team_id, member.user.email)),
    )


def end_duties(team: Team, user: User, reason: str, by: User | str | None) -> None:
    """Ends what a person who is gone did and received: schedules, alerts to their address, mails not yet sent.

    Call it in the transaction that ends the membership. `by`: who ended it, for the audit log.
    """
    stop_schedules(team, user, reason, by)
    for alert in _alerts_to(team.pk, user.email):
        alert.delete()
        audit_log.record_event(team, by, "deleted", f"alert {alert.pk}", f"it mailed to {user.email}")
    unsent = OutboxMessage.objects.filter(team=team, user=user, kind=MAIL, due_at__isnull=False)
    unsent.update(due_at=None, held_until=None, last_error="The person is no longer in the team.")


def stop_schedules(team: Team, user: User, reason: str, by: User | str | None) -> int:
    """Disables the person's schedules in the team, each with an event and an audit entry. Returns how many there were.

    Waits for a dispatcher that runs one of them. Call it in a transaction.
    """
    rows = list(_schedules(team.pk, user.pk).select_for_update(of=("self",)).select_related("project").order_by("pk"))
    for row in rows:
        row.disable(reason)
        audit_log.record_event(team, by, "stopped", f"schedule {row.pk}: {row}", reason)
    _protections(team.pk, user.pk).update(disabled_reason=reason)
    return len(rows)


def _schedules(team_id: int, user_id: int) -> QuerySet[Schedule]:
    return Schedule.objects.filter(team=team_id, owner=user_id, enabled=True)


def _protections(team_id: int, user_id: int) -> QuerySet[AutoProtection]:
    return AutoProtection.objects.filter(credential__team=team_id, owner=user_id, disabled_reason="")


def _alerts_to(team_id: int, email: str) -> list[Alert]:
    """Returns the team's alerts that mail to this address. Addresses are encrypted, so each one is opened."""
    return [row for row in Alert.objects.filter(team=team_id, kind=alert_kinds.MAIL) if _mails_to(row, email)]


def _mails_to(alert: Alert, email: str) -> bool:
    try:
        return alert.address().strip().lower() == email.lower()
    except CryptoError:
        # Its key is missing: `doctor` says so, and whoever is mailed must be a member when it is sent.
        return False

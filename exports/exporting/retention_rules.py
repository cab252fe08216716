"""Setting retention rules: the team's, or one project's, which replaces the team's."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from exports.audit import log as audit_log
from exports.errors import InvalidError
from exports.models import File, Project, RetentionRule, Team, User
from exports.storage.retention import KEEPING, Rule

# A hundred years of each; the rest is for typing mistakes.
LARGEST: Final = {
    "keep_last": 100_000,
    "keep_days": 36_500,
    "keep_daily": 36_500,
    "keep_weekly": 5_200,
    "keep_monthly": 1_200,
    "max_bytes": 2**60,
}
PARTS: Final = {
    "keep_last": "the last {}",
    "keep_days": "those of the last {} days",
    "keep_daily": "the last of each of {} days",
    "keep_weekly": "the last of each of {} weeks",
    "keep_monthly": "the last of each of {} months",
}


def make_rule(numbers: Mapping[str, int | None]) -> Rule:
    """The rule of these numbers; those left out are None. Raises InvalidError for one that is out of range."""
    errors = {
        name: [f"A whole number from 1 to {LARGEST[name]}, or nothing."]
        for name, number in numbers.items()
        if number is not None and not 1 <= number <= LARGEST[name]
    }
    if errors:
        raise InvalidError(errors)
    return Rule(**numbers)


def set_team_rule(team: Team, user: User, rule: Rule) -> None:
    """Replaces the team's rule."""
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        _save(team, None, rule)
        _forget_expiry(File.objects.filter(team=team))
        audit_log.record_event(team, user, "set retention", "the team's files", describe(rule))


def set_project_rule(project: Project, user: User, rule: Rule | None) -> None:
    """Replaces the project's own rule; None removes it, so that the team's holds again."""
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=project.team_id)
        if rule is None:
            RetentionRule.objects.filter(project=project).delete()
        else:
            _save(project.team, project, rule)
        _forget_expiry(File.objects.filter(team=project.team_id, export__project=project))
        detail = describe(rule) if rule else "As the team's."
        audit_log.record_event(project.team_id, user, "set retention", f"project {project}", detail)


def set_notice_days(team: Team, user: User | None, days: int) -> None:
    """Sets how many days before a file goes that nobody downloaded its owner is told; 0: not at all."""
    if days != team.expiry_notice_days:
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(expiry_notice_days=days)
            audit_log.record_event(team, user, "set retention", "the notice before files go", f"{days} days")
        team.expiry_notice_days = days


def _forget_expiry(rows: QuerySet[File]) -> None:
    """The times were by another rule. Those that people were told stay, until the rules are applied."""
    rows = rows.filter(deleted_at=None, expires_at__isnull=False, expiry_notified_at=None)
    File.objects.filter(pk__in=rows.values("pk")).update(expires_at=None)


def _save(team: Team, project: Project | None, rule: Rule) -> None:
    numbers: dict[str, Any] = {name: getattr(rule, name) for name in RetentionRule.NUMBERS}
    RetentionRule.objects.update_or_create(team=team, project=project, defaults=numbers)


def describe(rule: Rule) -> str:
    """Returns what a rule keeps, as a sentence."""
    if rule.keeps_all:
        return "Keeps all files."
    parts = [PARTS[name].format(getattr(rule, name)) for name in KEEPING if getattr(rule, name) is not None]
    if rule.max_bytes is not None:
        parts.append(f"at most {rule.max_bytes} bytes" if parts else f"all, up to {rule.max_bytes} bytes")
    return f"Keeps {', '.join(parts)}."

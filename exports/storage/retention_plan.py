"""What the rules of a team say about its kept files: the same for the preview, for the nightly run and for `purge`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from sys import intern
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from exports.models import Export, RetentionRule, Team
from exports.storage.retention import Decision, KeptFile, Rule, decide

CHUNK_ROWS: Final = 2000


@dataclass(frozen=True)
class TeamRules:
    """The rules of a team: its own, and those of projects, each of which replaces the team's there."""

    team: Team
    rule: Rule = field(default_factory=Rule)
    of_projects: Mapping[int, Rule] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        """The team's time zone; UTC where it is not known."""
        try:
            return ZoneInfo(self.team.time_zone)
        except (KeyError, ValueError, OSError):
            return ZoneInfo("UTC")

    @property
    def keeps_all(self) -> bool:
        """Whether no rule lets a file go."""
        return self.rule.keeps_all and all(rule.keeps_all for rule in self.of_projects.values())

    def rule_of(self, project_id: int) -> Rule:
        """The rule in force for a project."""
        return self.of_projects.get(project_id, self.rule)

    def decisions(self, now: datetime) -> Iterator[Decision]:
        """Yields a decision for each kept file of the team that a rule may let go at some time."""
        for project_id in sorted(self.of_projects):
            yield from self.decisions_of_project(project_id, now)
        if not self.rule.keeps_all:
            rows = _kept_files(team=self.team).exclude(project__in=list(self.of_projects))
            yield from decide(_stream(rows), self.rule, now, self.zone)

    def decisions_of_project(self, project_id: int, now: datetime) -> Iterator[Decision]:
        """Yields a decision for each kept file of a project that has a rule of its own."""
        rule = self.of_projects[project_id]
        if not rule.keeps_all:
            yield from decide(_stream(_kept_files(team=self.team, project=project_id)), rule, now, self.zone)


def rules_of(team: Team) -> TeamRules:
    """The rules of a team, in one query."""
    rule, of_projects = Rule(), {}
    for row in RetentionRule.objects.filter(team=team):
        if row.project_id is None:
            rule = numbers_of(row)
        else:
            of_projects[row.project_id] = numbers_of(row)
    return TeamRules(team, rule, of_projects)


def numbers_of(row: RetentionRule) -> Rule:
    """The numbers of a row."""
    return Rule(**{name: getattr(row, name) for name in RetentionRule.NUMBERS})


def _kept_files(**conditions: Any) -> QuerySet[Export]:
    return Export.objects.filter(**conditions, file__isnull=False, file__deleted_at=None).order_by(
        "project_id", "type", "format", "-file__verified_at", "-pk"
    )


def _stream(rows: QuerySet[Export]) -> Iterator[KeptFile]:
    """Yields the files in chunks, so that memory stays flat (behind PgBouncer the driver holds the whole answer)."""
    fields: list[str] = ["file_id", "pk", "project_id", "type", "format", "file__size", "file__verified_at"]
    fields += ["file__pinned_at", "file__damaged_at", "file__expires_at"]
    row: tuple[Any, ...]
    for row in rows.values_list(*fields).iterator(CHUNK_ROWS):
        id_, export_id, project_id, type_, format_, size, at, pinned_at, damaged_at, expires_at = row
        marks = (pinned_at is not None, damaged_at is not None, expires_at)
        yield KeptFile(id_, export_id, project_id, intern(type_), intern(format_), size, at, *marks)

"""What a retention rule would delete now: the same decisions as those of the nightly run and of `purge`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exports import clock
from exports.exporting.purge import what_goes
from exports.models import Export, Project, Team
from exports.storage.retention import Rule
from exports.storage.retention_plan import TeamRules, rules_of


@dataclass(frozen=True)
class FileThatGoes:
    """A file that would be deleted; `rule`: the numbers by which it goes."""

    export: Export
    name: str
    size: int
    rule: str


@dataclass(frozen=True)
class Preview:
    """A page of the files that would go, the newest export first. `count` and `bytes` are of all of them."""

    files: Sequence[FileThatGoes]
    count: int
    bytes: int
    next_before: int | None


def preview(
    team: Team, rule: Rule | None = None, project: Project | None = None, *, before: int | None = None, limit: int = 20
) -> Preview:
    """What would go by this rule of the team, or of the project if one is given; None: by the rules in force.

    A preview of the team's rule has the files of projects with a rule of their own as well, by that rule.
    """
    rules = _rules(team, rule, project)
    gone = what_goes(rules, clock.now(), project.pk if project and project.pk in rules.of_projects else None)
    if project is not None:
        gone = [one for one in gone if one.file.project_id == project.pk]
    page = [one for one in gone if before is None or one.file.export_id < before][: limit + 1]
    shown = page[:limit]
    exports = Export.objects.with_related().in_bulk([one.file.export_id for one in shown])
    files = [
        FileThatGoes(exports[one.file.export_id], _name(exports[one.file.export_id]), one.file.size, one.rule)
        for one in shown
        if one.file.export_id in exports
    ]
    next_before = shown[-1].file.export_id if len(page) > limit else None
    return Preview(files, len(gone), sum(one.file.size for one in gone), next_before)


def _rules(team: Team, rule: Rule | None, project: Project | None) -> TeamRules:
    rules = rules_of(team)
    if rule is None:
        return rules
    if project is None:
        return replace(rules, rule=rule)
    return replace(rules, of_projects={**rules.of_projects, project.pk: rule})


def _name(export: Export) -> str:
    return export.file.name if export.file is not None else ""

"""What the search boxes of the lists look for: numbers and exact ids by their indices, names in the smaller tables."""

from typing import Final

from django.db.models import Q

from exports.models import Export, Project, Team, User

MAX_ID: Final = 2**63 - 1
# Projects whose name contains what was typed. More of them match nothing in particular.
MAX_PROJECTS: Final = 100


def parse_number(term: str) -> int | None:
    """Returns the number of "#12" or "12"; None for anything else, and beyond what a column holds."""
    digits = term.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None
    return number if number is not None and number <= MAX_ID else None


def export_query(term: str) -> Q:
    """Returns the condition of exports: by number, job, project (name or id there), team, or who asked."""
    number = parse_number(term)
    # Two conditions, since the index holds ended exports only; open ones are few.
    job = Q(remote_id=term)
    query = (job & Q(finished_at__isnull=False)) | (job & Q(next_step_at__isnull=False))
    if number is not None:
        query |= Q(pk=number)
    if term.startswith("#"):
        return Q(pk=number) if number is not None else Q(pk__in=())
    projects = Project.objects.filter(Q(name__icontains=term) | Q(remote_id=term)).order_by("-pk")
    for name, ids in (
        ("project_id__in", projects.values_list("pk", flat=True)[:MAX_PROJECTS]),
        ("team_id__in", team_ids(term)),
        ("user_id__in", User.objects.filter(email__iexact=term).values_list("pk", flat=True)),
    ):
        if found := list(ids):
            query |= Q(**{name: found})
    return query


def team_ids(term: str) -> list[int]:
    """Returns the ids of teams of this name or slug, in any case."""
    teams = Team.objects.filter(Q(slug__iexact=term) | Q(name__iexact=term))
    return list(teams.values_list("pk", flat=True))


def number_query(term: str, *paths: str) -> Q:
    """Returns the condition of rows that have the number in one of the columns; of none where it is no number."""
    number = parse_number(term)
    query = Q(pk__in=())
    if number is not None:
        for path in paths:
            query |= Q(**{path: number})
    return query


def file_query(term: str) -> Q:
    """Returns the condition of files: by their number, or by the number of their export."""
    number = parse_number(term)
    if number is None:
        return Q(pk__in=())
    of_export = Export.objects.filter(pk=number, file__isnull=False).values_list("file_id", flat=True)
    return Q(pk__in=[number, *of_export])

"""The endpoint that compares the files of two exports."""

from typing import Any, Final

from django.http import QueryDict
from ninja import Router

from exports import access
from exports.api.auth import ApiRequest
from exports.api.openapi import operation_docs
from exports.api.schemas import (
    ColumnChangesOut,
    ComparisonOut,
    CountsOut,
    FilmChangesOut,
    MemberChangesOut,
    TableChangesOut,
)
from exports.errors import InvalidError
from exports.exporting.filters import MAX_ID, parse_positive_int
from exports.preview import comparison
from exports.preview.comparison import Changes, Comparison
from exports.preview.comparison_archives import MemberChanges
from exports.preview.comparison_tables import TableChanges

router = Router(tags=["Exports"])

PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "key",
        "in": "query",
        "description": "The column of a table by which rows are matched; without it one that fits is chosen.",
        "schema": {"type": "string", "minLength": 1},
    },
    {
        "name": "with",
        "in": "query",
        "description": "Another export of the same project, type and format, instead of the one before.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    },
]


@router.get(
    "/exports/{int:export_id}/compare",
    response=ComparisonOut,
    exclude_unset=True,
    openapi_extra=operation_docs(404, 409, 422, parameters=PARAMETERS),
)
def compare_export(request: ApiRequest, export_id: int) -> ComparisonOut:
    """What changed since the last good export of the same project, type, format and options that still has its file."""
    member = request.auth.member
    row = access.export(member, export_id)
    key, other_id = read_parameters(request.GET)
    comparison.require_file(row)
    other = access.export(member, other_id) if other_id else comparison.find_previous(row)
    if other is None:
        return ComparisonOut(previous=None, identical=False, changes=None)
    return serialize(comparison.compare(row, other, key=key))


def read_parameters(data: QueryDict) -> tuple[str, int | None]:
    """Returns `key` and `with`. Raises InvalidError, also for unknown, empty and repeated parameters."""
    errors: dict[str, list[str]] = {}
    other_id = None
    given = {name: values for name, values in data.lists() if values}
    for name, values in given.items():
        if name not in ("key", "with"):
            errors[name] = ["Unknown parameter. This call takes: key, with."]
        elif len(values) > 1 or not values[0].strip():
            errors[name] = ["Give one value, or leave this out."]
    if "with" in given and "with" not in errors:
        try:
            other_id = parse_positive_int(given["with"][0])
        except ValueError as error:
            errors["with"] = [str(error)]
    if errors:
        raise InvalidError(errors)
    return given.get("key", [""])[0], other_id


def serialize(found: Comparison) -> ComparisonOut:
    """Serializes a comparison; `note` only where there is one."""
    note = {"note": found.note} if found.note else {}
    changes = None if found.changes is None else _changes(found.changes)
    return ComparisonOut(previous=found.old.pk, identical=found.identical, changes=changes, **note)


def _changes(changes: Changes) -> TableChangesOut | MemberChangesOut | FilmChangesOut:
    if isinstance(changes, TableChanges):
        return TableChangesOut(
            rows=_counts(changes),
            columns=ColumnChangesOut(added=changes.added_columns, removed=changes.removed_columns),
            key=changes.key,
        )
    if isinstance(changes, MemberChanges):
        return MemberChangesOut(members=_counts(changes))
    return FilmChangesOut(size=list(changes.size), seconds=list(changes.seconds))


def _counts(changes: TableChanges | MemberChanges) -> CountsOut:
    return CountsOut(added=changes.added, removed=changes.removed, changed=changes.changed)

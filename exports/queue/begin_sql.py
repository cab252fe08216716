"""The statement with which a task begins: it turns reservations into leases, and reads all that their steps read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Field, JSONField, Model

from exports.models import Credential, Export, Project, Team, User

M = TypeVar("M", bound=Model)

# No step reads these columns; where code reads one all the same, Django fetches it then.
DEFERRED_FIELDS: Final[dict[type[Model], set[str]]] = {
    Export: {"trigger", "retry_of", "options_key", "error_code", "error_message", "error_action", "file"}
    | {"submitted_at", "started_at", "finished_at", "held_until"},
    Project: {"created_at", "paused_at", "fresh_within_hours", "last_good_at"},
    Credential: {"created_at", "checked_at", "paused_at", "discovered_at", "discovery_error", "deleted_at"},
}
# Of these a step needs little: who asked, and how much the team may keep.
LOADED_FIELDS: Final[dict[type[Model], set[str]]] = {
    User: {"id", "email"},
    Team: {"id", "name", "slug", "quota_bytes", "kept_bytes"},
}


@cache  # Each step makes objects of all of them.
def _loaded_fields(model: type[Model]) -> "list[Field[Any, Any]]":
    if model in LOADED_FIELDS:
        return [field for field in model._meta.concrete_fields if field.name in LOADED_FIELDS[model]]
    return [field for field in model._meta.concrete_fields if field.name not in DEFERRED_FIELDS[model]]


def _columns(alias: str, model: type[Model]) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in _loaded_fields(model))


_OTHER_OF_PROJECT: Final = """
    SELECT 1 FROM exports_export other JOIN exports_project op ON op.id = other.project_id
    WHERE op.remote_id = p.remote_id AND other.type = begun.type AND other.id <> begun.id
        AND other.next_step_at IS NOT NULL
"""
# One statement, because it is the first of every step: the update, and all that the step will read.
BEGIN_SQL: Final = f"""
    WITH begun AS (
        UPDATE exports_export AS e SET held_until = %s, reserved = FALSE, crash_count = crash_count + 1
        FROM unnest(%s::bigint[], %s::bigint[]) AS message(id, fence)
        WHERE e.id = message.id AND e.fence = message.fence AND e.reserved AND e.held_until > %s
            AND e.finished_at IS NULL
        RETURNING {_columns("e", Export)}
    )
    SELECT
        EXISTS (SELECT 1 FROM exports_opencircuit),
        EXISTS (SELECT 1 FROM exports_ratelimitpause pause WHERE pause.credential_id = c.id AND pause.until > %s),
        begun.step = 'submit' AND EXISTS (
            {_OTHER_OF_PROJECT} AND other.step = 'submit' AND other.request_sent_at IS NOT NULL
        ),
        begun.step = 'submit' AND EXISTS ({_OTHER_OF_PROJECT} AND other.step <> 'submit'),
        {_columns("begun", Export)}, {_columns("u", User)}, {_columns("t", Team)},
        {_columns("p", Project)}, {_columns("c", Credential)}
    FROM begun JOIN exports_user u ON u.id = begun.user_id JOIN exports_team t ON t.id = begun.team_id
        JOIN exports_project p ON p.id = begun.project_id JOIN exports_credential c ON c.id = p.credential_id
"""  # noqa: S608  our own columns


@dataclass(frozen=True)
class SeenAtBegin:
    """What the statement that began the claim saw besides: where it says no, the step need not ask again.

    An open circuit of any origin; a pause of the credential; another export of the project whose request is unanswered,
    or whose job runs. Yes means: perhaps.
    """

    open_circuit: bool = True
    pause: bool = True
    unanswered_request: bool = True
    running_job: bool = True


def begin_in_one_statement(
    reserved: Sequence[tuple[int, int]], now: datetime, until: datetime
) -> list[tuple[Export, SeenAtBegin]]:
    """Begins those of the pairs of export id and fence that are still reserved, until `until`. PostgreSQL only."""
    with connection.cursor() as cursor:
        keys = [[pair[0] for pair in reserved], [pair[1] for pair in reserved]]
        cursor.execute(BEGIN_SQL, [until, *keys, now, now])
        rows = cursor.fetchall()
    begun: list[tuple[Export, SeenAtBegin]] = []
    # Many exports share few projects and credentials; they share the objects too, since no step changes them.
    projects: dict[int, Project] = {}
    credentials: dict[int, Credential] = {}
    for circuit, paused, unanswered, running, *row in rows:
        export, rest = _from_row(Export, row)
        export.user, rest = _from_row(User, rest)
        export.team, rest = _from_row(Team, rest)
        if export.project_id not in projects:
            project, rest = _from_row(Project, rest)
            if project.credential_id not in credentials:
                credentials[project.credential_id], _ = _from_row(Credential, rest)
            project.credential = credentials[project.credential_id]
            projects[export.project_id] = project
        export.project = projects[export.project_id]
        begun.append((export, SeenAtBegin(circuit, paused, unanswered, running)))
    return begun


def _from_row(model: type[M], row: Sequence[Any]) -> tuple[M, Sequence[Any]]:
    """An object from the first columns of a row, and the columns after them."""
    names, json_places = _columns_of(model)
    values = list(row[: len(names)])
    for place in json_places:
        if isinstance(values[place], str):
            values[place] = json.loads(values[place])
    return model.from_db(connection.alias, names, values), row[len(names) :]


@cache
def _columns_of(model: type[Model]) -> tuple[frozenset[str], list[int]]:
    """The names of the loaded fields, and the places of those that hold JSON."""
    fields = _loaded_fields(model)
    places = [place for place, field in enumerate(fields) if isinstance(field, JSONField)]
    return frozenset(field.attname for field in fields), places

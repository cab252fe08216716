"""Batch SQL: settles many claims with one statement, since most polls change only the time of the next one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import AutoField, Case, Model, Value, When
from psycopg import Cursor

from exports import clock
from exports.models import Export
from exports.models.export import OPEN
from exports.queue.leases import Claim

# A wake-up requested while the step was under way makes the next step due now.
NEXT_STEP_COLUMN: Final = "next_step_at"
RELEASED_LEASE: Final[Mapping[str, Any]] = {"held_until": None, "crash_count": 0, "wake_requested": False}


def settle_many(claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Writes each claim's row (all with the same columns, `next_step_at` among them) and releases the claims.

    Returns the claims that no longer stood; nothing was written for them.
    """
    if not claims:
        return []
    stood = (
        _settle_in_one_statement(claims, rows)
        if connection.vendor == "postgresql"
        else _settle_one_by_one(claims, rows)
    )
    for claim, row in zip(claims, rows, strict=True):
        if claim.export.pk in stood:
            mark_settled(claim, row)
        else:
            claim.lost = True
    return [claim for claim in claims if claim.lost]


def mark_settled(claim: Claim, row: Mapping[str, Any]) -> None:
    """Sets on the claim's export what was written for it."""
    for name, value in {**row, **RELEASED_LEASE}.items():
        setattr(claim.export, name, value)


def settle_sql(claim: Claim, row: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The UPDATE that writes one claim's row as `settle_many` does, and its parameters, to be part of a statement."""
    fields = {field.name: field for field in Export._meta.concrete_fields}
    values = {**row, **RELEASED_LEASE}
    sets = [
        f"{NEXT_STEP_COLUMN} = CASE WHEN wake_requested THEN %s ELSE %s END"
        if name == NEXT_STEP_COLUMN
        else f"{_quote(name)} = %s"
        for name in values
    ]
    params: list[Any] = []
    for name, value in values.items():
        params += [clock.now()] if name == NEXT_STEP_COLUMN else []
        params.append(fields[name].get_db_prep_save(value, connection))
    statement = f"UPDATE exports_export SET {', '.join(sets)} WHERE id = %s AND fence = %s AND status = ANY(%s)"  # noqa: S608
    return statement, [*params, claim.export.pk, claim.fence, list(OPEN)]


def update_many(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Saves these fields of rows of one model. Django's bulk_update was measured to cost forty times as much."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        values = [{name: getattr(row, name) for name in names} for row in rows]
        sets = [f"{_quote(name)} = v.{_quote(name)}" for name in names]
        _update(type(rows[0]), sets, [], {"id": [row.pk for row in rows]}, values, "", [])
    else:
        for row in rows:
            row.save(update_fields=names)


def _settle_in_one_statement(claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]]) -> set[int]:
    sets = [f"{_quote(name)} = v.{_quote(name)}" for name in rows[0] if name != NEXT_STEP_COLUMN]
    sets.append(f"{NEXT_STEP_COLUMN} = CASE WHEN e.wake_requested THEN %s ELSE v.{NEXT_STEP_COLUMN} END")
    sets += [f"{_quote(name)} = %s" for name in RELEASED_LEASE]
    keys = {"id": [claim.export.pk for claim in claims], "fence": [claim.fence for claim in claims]}
    return _update(
        Export, sets, [clock.now(), *RELEASED_LEASE.values()], keys, rows, "AND e.status = ANY(%s)", [list(OPEN)]
    )


def _update(
    model: type[Model],
    sets: Sequence[str],
    set_params: Sequence[Any],
    keys: Mapping[str, list[int]],
    rows: Sequence[Mapping[str, Any]],
    condition: str,
    condition_params: Sequence[Any],
) -> set[int]:
    """Runs one UPDATE that takes its rows from arrays. Returns the ids of the rows it changed.

    The text of the statement is the same for any number of rows, and the values are sent beside it (see `_execute`).
    """
    fields = {field.name: field for field in model._meta.concrete_fields}
    names = list(rows[0])
    types = [*["bigint"] * len(keys), *(_type(fields[name].db_type(connection)) for name in names)]
    columns = [[fields[name].get_db_prep_save(row[name], connection) for row in rows] for name in names]
    key_match = " AND ".join(f"e.{_quote(name)} = v.{_quote(name)}" for name in keys)
    statement = (
        f"UPDATE {_quote(model._meta.db_table)} AS e SET {', '.join(sets)}"  # noqa: S608  names are our own columns
        f" FROM unnest({', '.join(f'%s::{type_}[]' for type_ in types)})"
        f" AS v({', '.join(map(_quote, [*keys, *names]))}) WHERE {key_match} {condition} RETURNING e.id"
    )
    return {
        row[0] for row in _execute(statement, [*set_params, *keys.values(), *columns, *condition_params]).fetchall()
    }


def insert_many(rows: Sequence[Model], *besides: tuple[str, list[Any]]) -> None:
    """Inserts rows of one model without reading back the primary keys that the database gives them.

    `besides`: statements with their parameters that are run in the same one, on SQLite in the same transaction.
    """
    if not rows and not besides:
        return
    if connection.vendor != "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            if rows:
                type(rows[0])._default_manager.bulk_create(rows)
            for statement, params in besides:
                cursor.execute(statement, params)
        return
    *before, (last, last_params) = [*besides, *([_insert_sql(rows)] if rows else [])]
    names = ", ".join(f"besides{number} AS ({statement})" for number, (statement, _) in enumerate(before))
    params = [*(value for _, more in before for value in more), *last_params]
    _execute(f"WITH {names} {last}" if before else last, params)


def _insert_sql(rows: Sequence[Model]) -> tuple[str, list[Any]]:
    """The INSERT of rows of one model, with its parameters; PostgreSQL."""
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    columns = [[field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows] for field in fields]
    types = [f"%s::{_type(field.db_type(connection))}[]" for field in fields]
    names = ", ".join(_quote(field.column or field.name) for field in fields)
    insert = f"INSERT INTO {_quote(model._meta.db_table)} ({names}) SELECT * FROM unnest({', '.join(types)})"  # noqa: S608
    return insert, list(columns)


def _execute(statement: str, params: Sequence[Any]) -> Cursor:
    """Runs a statement with its values sent beside the text; Django's cursor would write the values into the text.

    No prepared statement is kept on the server, because the next transaction may run on another connection where
    pgbouncer stands between.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return Cursor(connection.connection).execute(statement, params)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)


def _type(column: str | None) -> str:
    # A cast to varchar(300)[] would cut a value silently; the column itself raises an error.
    return (column or "text").partition("(")[0]


def _settle_one_by_one(claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]]) -> set[int]:
    stood: set[int] = set()
    with transaction.atomic():
        for claim, row in zip(claims, rows, strict=True):
            values = {**row, **RELEASED_LEASE}
            values[NEXT_STEP_COLUMN] = Case(
                When(wake_requested=True, then=Value(clock.now())), default=Value(row[NEXT_STEP_COLUMN])
            )
            standing = Export.objects.filter(pk=claim.export.pk, fence=claim.fence, status__in=OPEN)
            if standing.update(**values):
                stood.add(claim.export.pk)
    return stood

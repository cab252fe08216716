"""Many rows that are like one, made by the database in one statement."""

from typing import Any

from django.db import connection


def copies(model: Any, like: Any, first: int, last: int, **values: str) -> None:
    """Copies a row so many times; `values` are SQL, in which `g` is the number of the copy."""
    columns = [field.column for field in model._meta.concrete_fields]
    selected = {"id": "g", **values}
    expressions = ", ".join(selected.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {table}"  # noqa: S608
            f" CROSS JOIN generate_series({first}, {last}) AS g WHERE {table}.id = {like.pk}"
        )

"""Migrations add what the version before does not notice; what takes something away says which release allows it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

# Migrations before the rule.
LAST_WITHOUT_RULE = "0010_archived_projects_and_the_trigger_command"
# Migrations that contract, each with the release since which nothing uses what they take away.
CONTRACTS: dict[str, str] = {}
# Constraints that every row of the version before keeps: wider than its own, or of columns that it leaves empty.
WIDER = {"notice_once", "notice_kind_known", "mail_once_an_event", "alert_once_an_event", "webhook_once_an_event"}


def violations(migration: Migration, state: ProjectState) -> Iterator[str]:
    """What of the migration the version before would notice, on the state before it."""
    made = {each.name.lower() for each in migration.operations if isinstance(each, operations.CreateModel)}
    yield from locked_together(migration, made)
    for each in migration.operations:
        of_new_model = getattr(each, "model_name", "").lower() in made
        if isinstance(each, operations.DeleteModel | operations.RemoveField):
            yield f"{each.describe()}: the version before uses it"
        elif isinstance(each, operations.RenameModel | operations.RenameField | operations.AlterModelTable):
            yield f"{each.describe()}: the version before has the old name"
        elif isinstance(each, operations.AddField) and not of_new_model and not has_value(each.field):
            yield f"{each.describe()}: an INSERT of the version before does not name it; give it null or db_default"
        elif isinstance(each, operations.AddConstraint) and each.constraint.name in WIDER:
            pass  # a value more than before
        elif isinstance(each, operations.AddConstraint) and not of_new_model:
            yield f"{each.describe()}: the version before may break it"
        elif isinstance(each, operations.AlterField) and not of_new_model:
            old = state.models[migration.app_label, each.model_name.lower()].fields[each.name.lower()]
            yield from (f"{each.describe()}: {problem}" for problem in narrowing(old, each.field))
        each.state_forwards(migration.app_label, state)


def locked_together(migration: Migration, made: set[str]) -> Iterator[str]:
    """A transaction keeps others from each table that it changes until its end, and from reading it for a column."""
    changed = [each for each in migration.operations if getattr(each, "model_name", "").lower() not in {"", *made}]
    tables = {each.model_name.lower() for each in changed}  # type: ignore[attr-defined]
    if len(tables) > 1:
        yield f"{migration.name} changes {', '.join(sorted(tables))} at once: one migration for each table"
    if len({isinstance(each, operations.AddIndex) for each in changed}) > 1 and any(
        isinstance(each, operations.AddField | operations.AlterField) for each in changed
    ):
        yield f"{migration.name} makes indices where pages cannot read the table: a migration of their own"


def has_value(field: "Field[Any, Any]") -> bool:
    return field.null or field.db_default is not NOT_PROVIDED or bool(field.many_to_many)


def narrowing(old: "Field[Any, Any]", new: "Field[Any, Any]") -> Iterator[str]:
    if old.null and not new.null:
        yield "no longer null"
    if old.max_length and new.max_length and new.max_length < old.max_length:
        yield "shorter"
    if old.get_internal_type() != new.get_internal_type():
        yield "another type"


@pytest.mark.django_db
def test_no_migration_since_the_rule_takes_anything_away() -> None:
    loader, found = MigrationLoader(connection), []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app != "exports" or name <= LAST_WITHOUT_RULE or name in CONTRACTS:
            continue
        state = loader.project_state((app, name), at_end=False)
        found += [f"{name}: {problem}" for problem in violations(migration, state)]
    assert found == [], "\n".join(found)


def migration_of(name: str, *steps: Operation) -> Migration:
    made: Migration = type("Made", (Migration,), {"operations": list(steps)})(name, "exports")
    return made


def test_what_the_rule_forbids_is_noticed() -> None:
    state = ProjectState()
    fields: list[tuple[str, Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("a", models.CharField(max_length=9)),
    ]
    first = migration_of(
        "first", operations.CreateModel("Thing", fields), operations.AddField("thing", "b", models.IntegerField())
    )
    assert list(violations(first, state)) == []
    second = migration_of(
        "second",
        operations.AddField("thing", "good", models.IntegerField(db_default=0)),
        operations.AddField("thing", "bad", models.IntegerField(default=0)),
        operations.AlterField("thing", "a", models.CharField(max_length=5)),
        operations.RenameField("thing", "b", "c"),
        operations.RemoveField("thing", "c"),
        operations.AddConstraint("thing", models.CheckConstraint(condition=models.Q(a="x"), name="x")),
        operations.DeleteModel("Thing"),
    )
    found = list(violations(second, state))
    assert len(found) == 6
    assert not any("good" in text for text in found)


def test_what_would_lock_much_at_once_is_noticed() -> None:
    column = operations.AddField("thing", "a", models.IntegerField(null=True))
    other = operations.AddField("other", "a", models.IntegerField(null=True))
    index = operations.AddIndex("thing", models.Index(fields=["a"], name="i"))
    assert len(list(locked_together(migration_of("two", column, other), set()))) == 1
    assert len(list(locked_together(migration_of("both", column, index), set()))) == 1
    assert list(locked_together(migration_of("new", column, index), {"thing"})) == []

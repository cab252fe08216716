"""Rules on imports that are finer than the contracts of the import linter in pyproject.toml."""

import ast
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

# Options of exports are Django forms and raise Django's ValidationError. Models and settings are not for providers.
ALLOWED_IN_PROVIDERS = ("django.forms", "django.core.exceptions")


def imported_names(path: Path) -> set[str]:
    """Everything that the file imports; `from a import b` counts as a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_part_of(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


@pytest.mark.parametrize("path", sorted((ROOT / "exports" / "providers").rglob("*.py")), ids=lambda path: path.stem)
def test_providers_take_from_django_only_forms_and_errors(path: Path) -> None:
    from_django = {name for name in imported_names(path) if is_part_of(name, "django")}
    assert not [name for name in from_django if not any(is_part_of(name, allowed) for allowed in ALLOWED_IN_PROVIDERS)]


def test_statuses_import_nothing_of_ours() -> None:
    names = imported_names(ROOT / "exports" / "states.py")
    assert not [name for name in names if is_part_of(name, "exports") or is_part_of(name, "portal")]

"""Rules on imports that the import linter cannot see."""

import ast
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

# Options are Django forms, and their errors are Django's; models, settings and the rest are not for providers.
PLAIN = {"django.forms", "django.core.exceptions"}


def imports(path: Path) -> set[str]:
    """Every module that the file imports, `from a import b` counted as a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "exports" / "providers").rglob("*.py")), ids=lambda path: path.stem)
def test_providers_take_from_django_only_forms_and_errors(path: Path) -> None:
    django = {name for name in imports(path) if name.partition(".")[0] == "django"}
    assert {name for name in django if not any(f"{name}.".startswith(f"{plain}.") for plain in PLAIN)} == set()


def test_statuses_import_nothing_of_ours() -> None:
    assert {name for name in imports(ROOT / "exports" / "states.py") if name.startswith(("exports", "portal"))} == set()

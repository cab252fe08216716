"""A helper stands beside the services only where at least two of them use it; what one alone needs is in its folder."""

import ast
from pathlib import Path

import pytest

from exports.providers import registry
from exports.providers.registry import PROVIDERS

FOLDER = Path(registry.__file__).parent
# What providers declare themselves with is there for whoever comes: the contract, ids, types of options.
VOCABULARY = {"contract", "answers", "declarations", "registry", "project_ids", "fields", "__init__"}
# The portal uses these of providers, not the other way round.
OF_PROVIDERS = {"packages", "testing"}
# For lists that a header pages: of the services so far one has such.
AWAITED = {"collect_numbered_pages"}
HELPERS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in VOCABULARY | OF_PROVIDERS | PROVIDERS.keys())


def words_of(path: Path) -> set[str]:
    """Every name that the file uses."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return names | attributes


def services_using(name: str) -> set[str]:
    files = {slug: [FOLDER / f"{slug}.py", *(FOLDER / slug).rglob("*.py")] for slug in PROVIDERS}
    return {slug for slug, paths in files.items() if any(name in words_of(path) for path in paths if path.exists())}


def public_names(path: Path) -> list[str]:
    tree = ast.parse(path.read_text()).body
    return [
        node.name for node in tree if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: path.stem)
def test_at_least_two_services_use_each_helper(path: Path) -> None:
    others = set().union(*(words_of(other) for other in HELPERS))
    for name in set(public_names(path)) - AWAITED:
        assert len(services_using(name)) > 1 or name in others, f"{path.stem}.{name}"

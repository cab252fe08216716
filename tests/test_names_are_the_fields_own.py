"""No definition carries a name that the code has given up. The list is retired_names.toml."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.processes import ROOT

pytestmark = pytest.mark.slow(seconds=1)

LIST = ROOT / "tests" / "retired_names.toml"
ROLES = {"module", "class", "function", "parameter", "field", "constant", "test"}
MATCHES = {"name", "word", "prefix"}


@dataclass(frozen=True)
class Definition:
    path: str
    line: int
    role: str
    name: str


@dataclass(frozen=True)
class Retired:
    names: frozenset[str]
    match: str
    becomes: str
    roles: frozenset[str]
    exceptions: tuple[str, ...]
    allowed: tuple[str, ...]

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> "Retired":
        return cls(
            names=frozenset(entry["names"]),
            match=entry["match"],
            becomes=entry["becomes"],
            roles=frozenset(entry.get("roles", ROLES)),
            exceptions=tuple(entry.get("except", ())),
            allowed=tuple(entry.get("allowed", ())),
        )

    def matches(self, definition: Definition) -> bool:
        """Whether the definition carries one of these names, `allowed` aside."""
        if definition.role not in self.roles:
            return False
        name = snake_case(definition.name)
        for phrase in self.exceptions:
            name = re.sub(rf"(?:^|(?<=_)){phrase}(?=_|$)", "", name)
        words = name.strip("_").split("_")
        if self.match == "name":
            return "_".join(words) in self.names
        return bool(self.names.intersection(words if self.match == "word" else words[:1]))


def retired_names() -> list[Retired]:
    return [Retired.from_entry(entry) for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["retired"]]


def snake_case(name: str) -> str:
    """The name in lower case with underscores between its words."""
    return "_".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)).lower()


def stored_names(targets: list[ast.expr]) -> Iterator[tuple[str, int]]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno


def assigned_names(statements: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """The names that the statements assign, in branches and loops too, but not in functions or classes."""
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets):
                yield from stored_names(targets)
            case ast.AnnAssign(target=target) | ast.For(target=target):
                yield from stored_names([target])
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname, alias.lineno) for alias in names if alias.asname)
            case ast.With(items=items):
                yield from stored_names([item.optional_vars for item in items if item.optional_vars])
        if isinstance(statement, ast.If | ast.For | ast.While | ast.With | ast.Try):
            for block in ("body", "orelse", "finalbody"):
                yield from assigned_names(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                yield from assigned_names(handler.body)


def definitions(source: str, path: str) -> Iterator[Definition]:
    """Everything the source defines that others may name."""
    for role, name, line in _definitions(ast.parse(source)):
        yield Definition(path, line, "test" if role == "function" and name.startswith("test_") else role, name)


def _definitions(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    for name, line in assigned_names(tree.body):
        yield "constant", name, line
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name, body=body):
                yield "class", name, node.lineno
                for field, line in assigned_names(body):
                    yield "field", field, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield "function", name, node.lineno
            case ast.Attribute(value=ast.Name(id="self" | "cls"), ctx=ast.Store(), attr=name):
                yield "field", name, node.lineno
            case ast.arg(arg=name):
                yield "parameter", name, node.lineno


def modules(paths: list[str]) -> Iterator[Definition]:
    """The modules and packages of the files, each once."""
    packages = {parent.as_posix() for path in paths for parent in Path(path).parents if parent.name}
    for path in sorted({*paths, *packages}):
        name = Path(path).stem
        yield Definition(path, 1, "test" if name.startswith("test_") else "module", name)


def project_definitions() -> Iterator[Definition]:
    """All of exports/, portal/, tests/ and the scripts beside them. Migrations are history and keep their names."""
    files = [
        path.relative_to(ROOT)
        for folder in ("exports", "portal", "tests", ".ci")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ] + [Path("manage.py")]
    yield from modules([path.as_posix() for path in files])
    for path in files:
        yield from definitions((ROOT / path).read_text(encoding="utf-8"), path.as_posix())


def test_no_definition_has_a_retired_name() -> None:
    retired = retired_names()
    violations = [
        f"{definition.path}:{definition.line}: {definition.role} {definition.name}, now {entry.becomes}"
        for definition in project_definitions()
        for entry in retired
        if definition.path not in entry.allowed and entry.matches(definition)
    ]
    assert violations == [], "\n".join(["", *violations])


def test_every_allowed_place_still_needs_it() -> None:
    found = list(project_definitions())
    for entry in retired_names():
        for path in entry.allowed:
            assert any(definition.path == path and entry.matches(definition) for definition in found), path


def test_the_list_is_well_formed() -> None:
    for entry in retired_names():
        assert entry.match in MATCHES
        assert entry.roles <= ROLES
        assert all(name == snake_case(name) for name in entry.names)
        # A name with an underscore is never a single word.
        assert entry.match == "name" or not any("_" in name for name in entry.names)


@pytest.mark.parametrize(
    ("role", "source"),
    [
        ("class", "class LookResult: pass"),
        ("class", "def make():\n    class Sight: pass"),
        ("function", "def look_at(export): pass"),
        ("function", "async def _look(): pass"),
        ("function", "class Worker:\n    def look(self): pass"),
        ("test", "def test_a_look_is_taken(): pass"),
        ("parameter", "def poll(look): pass"),
        ("parameter", "def poll(*looks, last_look=None, **look): pass"),
        ("parameter", "poll = lambda look: None"),
        ("field", "class Poll:\n    looks: int = 0"),
        ("field", "class Poll:\n    look = models.JSONField()"),
        ("field", "class Poll:\n    if DEBUG:\n        look = 1"),
        ("field", "class Poll:\n    def __init__(self):\n        self.last_look = None"),
        ("field", "class Poll:\n    def __init__(self):\n        self._look: int = 0"),
        ("constant", "LOOK_SECONDS = 3"),
        ("constant", "LOOK: Final = 3"),
        ("constant", "try:\n    LOOK = 1\nexcept KeyError:\n    pass"),
        ("constant", "try:\n    pass\nexcept KeyError:\n    LOOK = 1"),
        ("constant", "A, (LOOK, B) = 1, (2, 3)"),
        ("constant", "from exports import poll as look"),
    ],
)
def test_a_retired_name_is_found_in_every_role(role: str, source: str) -> None:
    entry = Retired(frozenset({"look", "looks", "sight"}), "word", "poll", frozenset({role}), (), ())
    assert any(entry.matches(definition) for definition in definitions(source, "exports/example.py"))


@pytest.mark.parametrize("path", ["exports/look.py", "exports/look/poll.py", "exports/steps/look_again.py"])
def test_a_retired_module_is_found(path: str) -> None:
    entry = Retired(frozenset({"look"}), "word", "poll", frozenset({"module"}), (), ())
    assert any(entry.matches(definition) for definition in modules([path]))


@pytest.mark.parametrize(
    ("match", "name", "retired"),
    [
        ("name", "look", True),
        ("name", "_look", True),
        ("name", "LOOK", True),
        ("name", "next_look", False),
        ("word", "next_look", True),
        ("word", "NextLook", True),
        ("word", "HTTPLook2", True),
        ("word", "lookup", False),
        ("word", "look_up_names", False),
        ("word", "look_up_the_next_look", True),
        ("prefix", "LOOK_SECONDS", True),
        ("prefix", "_look_seconds", True),
        ("prefix", "next_look", False),
    ],
)
def test_how_much_of_a_name_must_match(match: str, name: str, retired: bool) -> None:
    entry = Retired(frozenset({"look"}), match, "poll", frozenset({"constant"}), ("look_up",), ())
    assert entry.matches(Definition("exports/example.py", 1, "constant", name)) is retired


def test_names_without_a_role_are_free() -> None:
    source = (
        "def poll(export):\n    look = export.poll()\n    for sight in look: print(sight.look)\n    return poll(look=1)"
    )
    entry = Retired(frozenset({"look", "sight"}), "word", "poll", frozenset(ROLES), (), ())
    assert not any(entry.matches(definition) for definition in definitions(source, "exports/example.py"))

"""The documents name what exists: modules, functions, files, tests, layers, links."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from exports.providers import registry
from portal.environment import task_queues
from tests.helpers.processes import ROOT

DOCS = ROOT / "docs"
ARCHITECTURE, GLOSSARY, CONTRIBUTING = DOCS / "architecture.md", DOCS / "glossary.md", ROOT / "CONTRIBUTING.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
CODE = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
DOTTED = re.compile(r"(?!.*\.py$)(?:exports|portal|tests)(?:\.\w+)+")
FILE_PATH = re.compile(r"(?:exports|portal|tests|templates|docs|\.ci|\.github)/[\w./-]*")
TABLE_FILE = re.compile(r"^\| `([\w/]+\.py)` \|", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
# `tests/folder/test_file.py`, `tests/folder`, `…/test_file.py::test_name`. Before `::` "…" is the file named last.
TEST = re.compile(r"`((?:[\w/]+/)?test_\w+\.py|tests/[\w/.]+|…)(?:::(\w+))?`")
# Files that a reader is to make.
EXAMPLES = (
    "exports/providers/slate.py",
    "tests/providers/slate/test_exports.py",
    "docs/providers/slate.md",
    ".github/workflows/export.yml",
)
# A provider's files and its stand-in's are found by its slug; the architecture need not name them.
OF_PROVIDERS = re.compile(
    rf"exports/(?:providers/(?:{'|'.join(registry.PROVIDERS)})(?:[_/]\w+)?|sandbox/services/\w+)\.py"
)


def text_of(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """Every part of the page below a heading that is a folder, with the folder."""
    for part in re.split(r"^### ", text_of(page), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        if (folder := CODE.fullmatch(heading.strip())) is not None:
            yield folder[1], body


def modules() -> set[str]:
    """Every module of the product and its wiring, as a path; migrations are history."""
    paths = [path for name in ("exports", "portal") for path in (ROOT / name).rglob("*.py")]
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.name != "__init__.py" and "migrations" not in path.parts
    }


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names_in(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a module or class defines: functions, classes, constants, fields."""
    defined: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined[node.target.id] = node
        elif isinstance(node, ast.Assign):
            targets = [each for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
            defined |= {target.id: node for target in targets}
    return defined


def published_again(body: list[ast.stmt], name: str) -> str:
    """The module from which a module imports a name that it publishes in `__all__`; "" for none."""
    published = names_in(body).get("__all__")
    if not isinstance(published, ast.Assign) or name not in ast.literal_eval(published.value):
        return ""
    imports = (node for node in body if isinstance(node, ast.ImportFrom))
    return next((node.module or "" for node in imports if name in {alias.name for alias in node.names}), "")


def is_defined(dotted: str) -> bool:
    """Whether the package, module, or something in a module is there under this name."""
    path, parts = ROOT, dotted.split(".")
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return (path / "__init__.py").exists()
    module = path / f"{parts[0]}.py"
    if not module.exists():
        return False
    body = tree(module).body
    for place, name in enumerate(parts[1:], 1):
        node = names_in(body).get(name)
        if node is None:
            origin = published_again(body, name) if place == 1 else ""
            return bool(origin) and is_defined(".".join([origin, *parts[1:]]))
        body = node.body if isinstance(node, ast.ClassDef) else []
    return True


def published_names() -> set[str]:
    """Names of Celery tasks and queues, which look like names of modules."""
    constants = [node.value for node in ast.walk(tree(ROOT / "exports" / "tasks.py")) if isinstance(node, ast.Constant)]
    tasks = {value for value in constants if isinstance(value, str) and DOTTED.fullmatch(value)}
    return tasks | {queue.name for queue in task_queues("portal")}


def named_tests(text: str) -> Iterator[tuple[str, str]]:
    """(path below tests/, name of a test or "") of every test that the text names."""
    last = ""
    for path, name in TEST.findall(text):
        last = last if path == "…" else path.removeprefix("tests/")
        yield last, name


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [ARCHITECTURE, GLOSSARY, CONTRIBUTING], ids=lambda page: page.stem)
def test_named_modules_and_functions_exist(page: Path) -> None:
    named = {word for word in CODE.findall(text_of(page)) if DOTTED.fullmatch(word)}
    assert named, "The page names nothing."
    assert {word for word in named - published_names() if not is_defined(word)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_named_files_exist(page: Path) -> None:
    words = {word.partition("::")[0] for word in CODE.findall(text_of(page))}
    named = {word for word in words if FILE_PATH.fullmatch(word)} - set(EXAMPLES)
    # The list of faults names tests by their place below tests/.
    assert {word for word in named if not (ROOT / word).exists() and not (ROOT / "tests" / word).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_named_tests_exist(page: Path) -> None:
    missing = []
    for path, name in named_tests(page.read_text(encoding="utf-8")):
        file = ROOT / "tests" / path
        if f"tests/{path}" in EXAMPLES:
            continue
        if not file.exists() or (name and f"def {name}(" not in file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}" if name else path)
    assert missing == []


def test_a_missing_test_is_noticed() -> None:
    text = "`tests/chaos`, `steps/test_x.py::test_y` and `…::test_z`, not `exports/x.py` or `…`"
    assert list(named_tests(text)) == [
        ("chaos", ""),
        ("steps/test_x.py", "test_y"),
        ("steps/test_x.py", "test_z"),
        ("steps/test_x.py", ""),
    ]


def test_the_architecture_lists_every_module_once() -> None:
    listed = [f"{folder}{name}" for folder, body in sections(ARCHITECTURE) for name in TABLE_FILE.findall(body)]
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) <= modules()
    assert {module for module in modules() - set(listed) if not OF_PROVIDERS.fullmatch(module)} == set()


def test_the_picture_shows_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    blocks = FENCED.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    # A line of the picture: names, then at least two spaces, then what they are.
    lines = [line.strip().partition("  ")[0].split() for line in blocks[0].splitlines()]
    shown = [set(names) for names in lines if names and re.fullmatch(r"[a-z]+", names[0])]
    assert shown == [{"portal"}, *({name.strip() for name in re.split(r"[|:]", layer)} for layer in layers)]


def test_every_term_of_the_glossary_says_where_it_is() -> None:
    rows = [line for line in text_of(GLOSSARY).splitlines() if line.startswith("| ")]
    terms = [row.strip("| ").split(" | ") for row in rows if not row.startswith(("| term ", "|---"))]
    assert [row for row in terms if len(row) != 3] == []
    assert [row[0] for row in terms if not any(DOTTED.fullmatch(word) for word in CODE.findall(row[2]))] == []
    assert sorted({row[0] for row in terms}) == sorted(row[0] for row in terms)


def test_the_test_map_names_every_package() -> None:
    packages = {path.parent.name for path in (ROOT / "exports").glob("*/__init__.py")} - {"migrations"}
    named = {word for word in CODE.findall(text_of(CONTRIBUTING)) if FILE_PATH.fullmatch(word)}
    assert {name for name in packages if f"exports/{name}/" not in named} == set()
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    assert {name for name in folders if f"tests/{name}/" not in named} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_resolve(page: Path) -> None:
    broken: set[str] = set()
    for match in LINK.finditer(text_of(page)):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            broken.add(target)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", FENCED.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
            if anchor not in {slug(heading) for heading in headings}:
                broken.add(target)
    assert broken == set()


def test_every_decision_has_date_status_and_alternatives() -> None:
    head = re.compile(
        r"# (\d+)\. .+\n\n- Date: \d{4}-\d\d-\d\d\n- Status: (accepted|superseded (in part )?by \[\d+\]\([\w.-]+\))"
    )
    for page in sorted((DOCS / "decisions").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        match = head.match(text)
        assert match is not None, f"{page.name} does not begin with number, date and status"
        assert int(match[1]) == int(page.name[:4])
        assert "\n## Alternatives considered\n" in text, page.name

"""A provider is named by its own files, its folders and the lists that register it; all else asks the registry."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from exports.providers.registry import PROVIDERS
from exports.sandbox.registry import DECLARATIONS

ROOT: Final = Path(__file__).resolve().parent.parent
CODE: Final = ("exports", "portal", "templates", "tests", "manage.py", "Makefile", "pyproject.toml")
# Where a provider is at home: files that begin with its slug, and folders that are called so.
HOMES: Final = (
    "exports/providers/{slug}*.py",
    "exports/providers/{slug}/*",
    "exports/sandbox/services/{slug}*.py",
    "tests/providers/{slug}/*",
    "tests/sandbox/{slug}/*",
)
# What may name any of them, and why.
EXCEPTIONS: Final = {
    "exports/shipped.py": "the list of services",
    "exports/api/examples.json": "recorded from a portal, which lists its providers; `make api-examples` writes it",
    "tests/web/old_words.txt": "wordings of the past, among them sentences that named a provider",
    "tests/test_nothing_else_names_providers.py": "this list",
    "tests/transport/test_long_addresses_are_refused.py": "two of their functions make addresses out of what they read",
    "tests/providers/test_long_lists_are_kept_small.py": "reads one of their long lists",
}

# Names that mean something else as well: where they do, and what is meant.
OTHER_MEANINGS: Final[dict[str, dict[str, str]]] = {
    "github": {
        "exports/notify/alert_addresses.py": "the end of an address at Discord",
        "exports/static/exports/fonts/*.txt": "the address of a font, in its licence",
        "tests/helpers/documented_blocks.py": "runners of workflows",
        "tests/recipes/test_github_actions.py": "the recipe for its workflows",
        "tests/storage/test_other_kinds_of_text_are_named.py": "the address of a format's specification",
        "tests/test_docs_are_true.py": "the folder of workflows, and how headings become anchors",
    }
}
# The portal's own: not those of packages that are installed beside it.
OWN: Final = sorted(
    {slug for slug, provider in PROVIDERS.items() if type(provider).__module__.startswith("exports.providers.")}
    | set(DECLARATIONS)
)


def names_of(slug: str) -> re.Pattern[str]:
    """Its slug and its label, in any case and at the beginning of words (a slug may stand inside of ordinary ones)."""
    label = re.escape(PROVIDERS[slug].label if slug in PROVIDERS else DECLARATIONS[slug].label)
    return re.compile(f"(?<![A-Za-z])(?:{re.escape(slug)}|{label})", re.IGNORECASE)


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *CODE], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """Its name and what is in it; nothing where it is no text."""
    try:
        return f"{path}\n{(ROOT / path).read_text(encoding='utf-8')}"
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("slug", OWN)
def test_nothing_else_names_it(slug: str) -> None:
    name = names_of(slug)
    allowed = [*(home.format(slug=slug) for home in HOMES), *EXCEPTIONS, *OTHER_MEANINGS.get(slug, {})]
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in files()
        if not any(path.match(pattern) for pattern in allowed)
        for number, line in enumerate(text_of(path).splitlines())
        if name.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("pattern", EXCEPTIONS)
def test_each_exception_is_needed(pattern: str) -> None:
    names = [names_of(slug) for slug in OWN]
    assert any(name.search(text_of(path)) for path in files() if path.match(pattern) for name in names), (
        "nothing there names a provider: remove the exception"
    )

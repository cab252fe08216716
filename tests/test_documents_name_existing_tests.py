"""The documents name files and tests that exist, so that a renamed test is renamed there too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# `tests/folder/test_file.py`, `tests/folder`, `…/test_file.py::test_name`. Before `::` "…" is the file named last.
REFERENCE = re.compile(r"`((?:[\w/]+/)?test_\w+\.py|tests/[\w/.]+|…)(?:::(\w+))?`")

# The name of a provider that is still to be written.
EXAMPLES = {"providers/yours/"}


def references(text: str) -> Iterator[tuple[str, str]]:
    """(path below tests/, name of a test or "") of every test that the text names."""
    last = ""
    for path, name in REFERENCE.findall(text):
        last = last if path == "…" else path.removeprefix("tests/")
        yield last, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_named_test_exists(document: Path) -> None:
    missing = []
    for path, name in references(document.read_text(encoding="utf-8")):
        file = ROOT / "tests" / path
        if path in EXAMPLES:
            continue
        if not file.exists() or (name and f"def {name}(" not in file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}" if name else path)
    assert missing == []


def test_a_missing_test_is_noticed() -> None:
    text = "`tests/chaos`, `steps/test_x.py::test_y` and `…::test_z`, not `exports/x.py` or `…`"
    assert list(references(text)) == [
        ("chaos", ""),
        ("steps/test_x.py", "test_y"),
        ("steps/test_x.py", "test_z"),
        ("steps/test_x.py", ""),
    ]

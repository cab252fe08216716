"""The blocks of code in the documents that the suite runs, by the attributes after the language of a block.

`file=export.sh`: a file that the reader is to make. `run=once`: typed once, in the order of the page. A block without
attributes is only to be read.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

RECIPES = ROOT / "docs" / "recipes"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block: its language, the attributes on its first line, its text."""

    language: str
    attributes: Mapping[str, str]
    text: str


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [
        Block(language, dict(word.split("=", 1) for word in words.split()), text)
        for language, words, text in BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def files_of(page: Path) -> dict[str, str]:
    """The files of a page by name."""
    return {block.attributes["file"]: block.text for block in blocks_of(page) if "file" in block.attributes}


def write_files(page: Path, folder: Path) -> None:
    """Makes the files of a page in a folder."""
    for name, text in files_of(page).items():
        (folder / name).write_text(text, encoding="utf-8")


def run_shell(
    text: str, folder: Path, environment: Mapping[str, str], timeout: float = 120
) -> "subprocess.CompletedProcess[str]":
    """Runs a block in a folder, as GitHub's runners do: bash that ends at the first error."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def need_programs(*names: str) -> None:
    """Skips the test where a program is missing; fails it where everything is required (REQUIRE_SERVICES=1)."""
    if missing := [name for name in names if shutil.which(name) is None]:
        text = f"{' and '.join(missing)} is not installed: the recipe was not run."
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(text)
        pytest.skip(text)

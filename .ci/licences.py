"""Writes the list of locked packages and their licences into docs/dependencies.md. With --check it only compares.

The names come from the lock files, the licences from the virtual environment that runs the script, so all packages of
requirements-dev.lock must be installed in it.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
MARK = "<!-- Below: written by .ci/licences.py. -->\n"
ALLOWED = {"MIT", "MIT-0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "MPL-2.0", "LGPL-3.0-only", "PSF-2.0"}
# A permissive licence, of what only tests install.
ALLOWED |= {"ZPL-2.1"}
# What packages write instead of the SPDX identifier.
SPDX_IDENTIFIERS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
}
# Packages of other platforms, and packages whose metadata name no licence: read in their own files.
READ_BY_HAND = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT AND MPL-2.0",
    "colorama": "BSD-3-Clause",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "pytest-django": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 AND BSD-3-Clause",
    "tomli": "MIT",
}


def locked(name: str) -> list[str]:
    """The names of the packages that a lock file pins."""
    return re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", (ROOT / name).read_text(), re.MULTILINE)


def licence(name: str) -> str:
    """The licence of a package. Raises LookupError if it is unknown or not allowed."""
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    try:
        package = metadata(name)
    except PackageNotFoundError:
        raise LookupError(
            f"{name} is not installed here: run `make test`, or name its licence in READ_BY_HAND"
        ) from None
    classifiers = package.get_all("Classifier") or []
    tags = [classifier.rpartition(":: ")[2] for classifier in classifiers if classifier.startswith("License")]
    declared = package.get("License-Expression") or package.get("License") or " AND ".join(tags)
    declared = SPDX_IDENTIFIERS.get(declared, declared)
    if not declared or not set(re.split(r" AND | OR |[()]", declared)) - {""} <= ALLOWED:
        raise LookupError(f"{name}: {declared[:60]!r} is not among the allowed licences, see .ci/licences.py")
    return declared


def main(check: bool) -> int:
    """Returns the exit code: 0, or 1 after one line on standard error for each mistake."""
    head, mark, old = PAGE.read_text().partition(MARK)
    mistakes = [] if mark else [f"{PAGE.name} has no place for the list"]
    lines = ["| package | licence | runs |\n| --- | --- | --- |"]
    runtime = set(locked("requirements.lock"))
    for name in locked("requirements-dev.lock"):
        try:
            lines.append(
                f"| {name} | {licence(name)} | {'in the portal' if name in runtime else 'in tests and checks'} |"
            )
        except LookupError as error:
            mistakes.append(str(error))
    for file in ("requirements.txt", "requirements-dev.txt"):
        for name in re.findall(r"^([a-z][a-z0-9-]*)", (ROOT / file).read_text(), re.MULTILINE):
            if f"\n| {name} |" not in head:
                mistakes.append(f"{PAGE.name} does not say what {name} is for ({file})")
    new = "\n" + "\n".join(lines) + "\n"
    if check and new != old:
        mistakes.append(f"{PAGE.name} is not up to date: run .venv/bin/python .ci/licences.py")
    elif not mistakes:
        PAGE.write_text(head + MARK + new)
    print("\n".join(mistakes), file=sys.stderr, end="\n" if mistakes else "")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))

"""The locked packages and their licences: writes the list into docs/dependencies.md; with --check says what is amiss.

Reads the locks for the names and the virtual environment that runs it for the licences, so `make test` comes first.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
MARK = "<!-- Below: written by .ci/licences.py. -->\n"
ALLOWED = {"MIT", "MIT-0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "MPL-2.0", "LGPL-3.0-only", "PSF-2.0"}
# What packages write in place of the short names.
WORDS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
}
# Not for this platform, or the metadata do not say: read in the packages' own files.
READ = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT AND MPL-2.0",
    "colorama": "BSD-3-Clause",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "pytest-django": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 AND BSD-3-Clause",
}


def locked(name: str) -> list[str]:
    """The packages that a lock pins."""
    return re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", (ROOT / name).read_text(), re.MULTILINE)


def licence(name: str) -> str:
    """The licence of a package. LookupError where nobody knows."""
    if name in READ:
        return READ[name]
    try:
        said = metadata(name)
    except PackageNotFoundError:
        raise LookupError(f"{name} is not installed here: run `make test`, or name its licence in READ") from None
    tags = [one.rpartition(":: ")[2] for one in said.get_all("Classifier") or [] if one.startswith("License")]
    found = said.get("License-Expression") or said.get("License") or " AND ".join(tags)
    found = WORDS.get(found, found)
    if not found or not set(re.split(r" AND | OR |[()]", found)) - {""} <= ALLOWED:
        raise LookupError(f"{name}: {found[:60]!r} is not among the allowed licences, see .ci/licences.py")
    return found


def main(check: bool) -> int:
    """Exit code 0, or 1 with a line for each thing that is amiss."""
    head, mark, old = PAGE.read_text().partition(MARK)
    wrong = [] if mark else [f"{PAGE.name} has no place for the list"]
    lines = ["| package | licence | runs |\n| --- | --- | --- |"]
    runs = set(locked("requirements.lock"))
    for name in locked("requirements-dev.lock"):
        try:
            lines.append(f"| {name} | {licence(name)} | {'in the portal' if name in runs else 'in tests and checks'} |")
        except LookupError as problem:
            wrong.append(str(problem))
    for file in ("requirements.txt", "requirements-dev.txt"):
        for name in re.findall(r"^([a-z][a-z0-9-]*)", (ROOT / file).read_text(), re.MULTILINE):
            if f"\n| {name} |" not in head:
                wrong.append(f"{PAGE.name} does not say what {name} is for ({file})")
    new = "\n" + "\n".join(lines) + "\n"
    if check and new != old:
        wrong.append(f"{PAGE.name} is not up to date: run .venv/bin/python .ci/licences.py")
    elif not wrong:
        PAGE.write_text(head + MARK + new)
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))

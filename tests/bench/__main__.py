"""Measures the portal beside peers that are written the usual way, and says what is past its limit.

    python -m tests.bench [PART …] [--quick] [--write docs/performance.md]

BENCH_ROUNDS says how many rounds are taken (3), BENCH_SLOTS how many steps a worker takes at once.
"""

import argparse
import importlib
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Final

from tests.bench.environment import ROUNDS, server_version, set_up_django
from tests.bench.result import Result, machine, markdown, missing, table

PARTS: Final = ("polls", "in_flight", "claims", "calls", "budget", "fetch", "recovery", "short_exports", "pages")


def pages(quick: bool) -> list[Result]:
    """The times of pages, which are measured by a program of their own."""
    command = [sys.executable, "-m", "tests.bench.pages", *(["--rows", "20000"] if quick else [])]
    done = subprocess.run(command, check=False)
    verdict = "missed" if done.returncode else "ok"
    return [Result("pages past their limit", done.returncode, "", "0", verdict, "python -m tests.bench.pages")]


def measure(part: str, quick: bool) -> tuple[str, list[Result]]:
    """What one part is about, and its figures. A part that breaks is a figure that is missing."""
    began = time.monotonic()
    print(f"\n== {part}", flush=True)
    about, found = "Home and lists at a thousand and a million exports.", []
    try:
        if part == "pages":
            found = pages(quick)
        else:
            module = importlib.import_module(f"tests.bench.{part}")
            about, found = module.ABOUT, module.run(quick)
    except Exception as error:
        traceback.print_exc()
        found = [missing(part, f"it broke: {type(error).__name__}: {str(error)[:200]}")]
    print(f"{table(found)}\n({time.monotonic() - began:.0f} s)", flush=True)
    return about, found


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").strip(), formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it out; its figures mean little")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also writes the results as Markdown")
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    about = machine(server_version())
    set_up_django()
    words = [*given.parts, *(["--quick"] if given.quick else [])]
    rounds = f"polls, claims, calls and fetch are medians of {ROUNDS} rounds, the rest ran once"
    if given.quick:
        rounds = "**a quick run of small sizes, whose figures mean little**; the texts describe the full one"
    found: dict[str, tuple[str, list[Result]]] = {}
    for part in given.parts or PARTS:
        found[part] = measure(part, given.quick)
        if given.write:  # after each, so that a run that is broken off leaves what it has
            given.write.write_text(markdown(found, about, " ".join(["python -m tests.bench", *words]), rounds))
    print("\n" + "\n".join(f"{name}: {value}" for name, value in about) + "\n")
    every = [row for _, rows in found.values() for row in rows]
    print(table(every), flush=True)
    return 1 if any(row.verdict == "missed" for row in every) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures the portal beside peers that are written the usual way, and says what is past its limit.

    python -m tests.bench [PART …] [--quick] [--against COMMIT] [--write docs/performance.md]

--against measures `polls` and `short_exports` of an older commit in the same run, with its own code.

TEST_DATABASE_URL is the PostgreSQL server, BENCH_REDIS_URL the Redis server, with or without the number of a database.
BENCH_ROUNDS says how many rounds are taken (3), BENCH_SLOTS how many slots a worker has (`-c`).
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from tests.bench import landed
from tests.bench.environment import ROUNDS, broker, server_version, set_up_django
from tests.bench.result import RATIO, Result, machine, markdown, missing, table

PARTS: Final = (
    "polls",
    "in_flight",
    "sizes",
    "short_exports",
    "recovery",
    "press",
    "slow_readers",
    "fetch",
    "bucket",
    "claims",
    "schedules",
    "coverage",
    "rate_limits",
    "call_cost",
    "comparison",
    "retention",
    "year_of_calls",
    "scrape",
    "pages",
)


# Parts that are measured by a program of their own: what they are about, what "few" is there, arguments to be quick.
PROGRAMS: Final[dict[str, tuple[str, str, list[str]]]] = {
    "coverage": (
        "The coverage page, home and the API at a hundred and at ten thousand schedules and listed projects.",
        "a hundred",
        ["--rows", "2000"],
    ),
    "pages": (
        "Home and lists at a thousand and a million exports: what the server does for one request.",
        "a thousand exports",
        ["--rows", "20000"],
    ),
}


def run_program(part: str, quick: bool) -> list[Result]:
    """The times of pages, which are measured by a program of their own."""
    _, few_of, quickly = PROGRAMS[part]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "times.json"
        command = [sys.executable, "-m", f"tests.bench.{part}", "--json", str(path)]
        done = subprocess.run([*command, *(quickly if quick else [])], check=False)
        times: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    verdict = "missed" if done.returncode else "ok"
    return [
        *(
            Result(name, 1000 * many, "ms", note=f"{1000 * few:.1f} ms at {few_of}, {many / few:.2f} {RATIO}")
            for name, (few, many) in times.items()
        ),
        Result(f"{part} past their limit", done.returncode, "", "0", verdict, f"python -m tests.bench.{part}"),
    ]


def measure(part: str, quick: bool) -> tuple[str, list[Result]]:
    """What one part is about, and its figures. A part that breaks is a figure that is missing."""
    began = time.monotonic()
    print(f"\n== {part}", flush=True)
    about: str = PROGRAMS[part][0] if part in PROGRAMS else ""
    results: list[Result] = []
    try:
        if part in PROGRAMS:
            results = run_program(part, quick)
        else:
            module = importlib.import_module(f"tests.bench.{part}")
            about, results = module.ABOUT, module.run(quick)
    except Exception as error:
        traceback.print_exc()
        results = [missing(part, f"it broke: {type(error).__name__}: {str(error)[:200]}")]
    print(f"{table(results)}\n({time.monotonic() - began:.0f} s)", flush=True)
    return about, results


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").strip(), formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it out; its figures mean little")
    parser.add_argument("--against", metavar="COMMIT", help="also measures this commit of the repository")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also writes the results as Markdown")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    about = machine(server_version())
    broker()  # says at once what is wrong with its address
    set_up_django()
    words = [*arguments.parts, *(["--quick"] if arguments.quick else [])]
    if arguments.against:
        landed.choose(arguments.against)
        words += ["--against", arguments.against]
    rounds = f"polls, claims, call_cost, fetch and comparison are medians of {ROUNDS} rounds, the rest ran once"
    if arguments.quick:
        rounds = "**a quick run of small sizes, whose figures mean little**; the texts describe the full one"
    parts: dict[str, tuple[str, list[Result]]] = {}
    for part in arguments.parts or PARTS:
        parts[part] = measure(part, arguments.quick)
        if arguments.write:  # after each, so that a run that is broken off leaves what it has
            arguments.write.write_text(markdown(parts, about, " ".join(["python -m tests.bench", *words]), rounds))
    print("\n" + "\n".join(f"{name}: {value}" for name, value in about) + "\n")
    every = [row for _, rows in parts.values() for row in rows]
    print(table(every), flush=True)
    return 1 if any(row.verdict == "missed" for row in every) else 0


if __name__ == "__main__":
    sys.exit(main())

"""The figures of a bench, their limits, and how they are shown."""

import platform
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RATIO: Final = "×"  # noqa: RUF001
HEADS: Final = ("what", "value", "wanted", "verdict", "note")


@dataclass(frozen=True)
class Result:
    """One figure. `wanted` says the limit in words ("" where there is none), `verdict` is ok, missed or "" (none)."""

    name: str
    value: float
    unit: str = ""
    wanted: str = ""
    verdict: str = ""
    note: str = ""

    @property
    def shown(self) -> str:
        """Value and unit for people."""
        return f"{readable(self.value)} {self.unit}".strip()


def at_least(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Result:
    """A figure that must not be below the limit."""
    verdict = "ok" if value >= limit else "missed"
    return Result(name, value, unit, f"≥ {readable(limit)} {unit}".strip(), verdict, note)


def at_most(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Result:
    """A figure that must not be above the limit."""
    verdict = "ok" if value <= limit else "missed"
    return Result(name, value, unit, f"≤ {readable(limit)} {unit}".strip(), verdict, note)


def missing(name: str, why: str) -> Result:
    """A figure that could not be measured."""
    return Result(name, float("nan"), verdict="missed", note=why)


def readable(value: float) -> str:
    """The number with three significant digits, and a space between thousands."""
    if value != value:
        return "none"
    if abs(value) >= 999.5:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def median(values: Iterable[float]) -> float:
    """The median; NaN of nothing."""
    numbers = list(values)
    return statistics.median(numbers) if numbers else float("nan")


def share(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of them lie; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def table(rows: Sequence[Result]) -> str:
    """For a terminal."""
    cells = [HEADS, *((row.name, row.shown, row.wanted, row.verdict, row.note) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(4)]
    return "\n".join("  ".join([*(row[at].ljust(widths[at]) for at in range(4)), row[4]]).rstrip() for row in cells)


def markdown(
    parts: Mapping[str, tuple[str, Sequence[Result]]], about: Sequence[tuple[str, str]], command: str, rounds: str
) -> str:
    """The whole document. `parts`: name of each part to what it measures and its figures."""
    lines = [
        "# Performance",
        "",
        f"Measured on {time.strftime('%Y-%m-%d')} with `{command}`; {HOW.format(rounds=rounds)}",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in about)]
    for name, (what, rows) in parts.items():
        lines += ["", f"## {name}", "", what, "", f"| {' | '.join(HEADS)} |", "|---|--:|--:|---|---|"]
        for row in rows:
            cells = (row.name, row.shown, row.wanted, row.verdict, row.note.replace("|", "\\|"))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


HOW: Final = (
    "{rounds}; what is compared took turns in the same run. Absolute figures move with the"
    " machine; trust the ratios. `python -m tests.bench --help` lists the parts; they need PostgreSQL"
    " (TEST_DATABASE_URL) and Redis (BENCH_REDIS_URL)."
)


def machine(server: str) -> list[tuple[str, str]]:
    """The machine, as pairs of a word and its value. `server`: the database's version."""
    cpu, memory, system = platform.processor() or platform.machine(), 0.0, platform.platform()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    cores = sum(1 for line in _lines("/proc/cpuinfo") if line.startswith("processor"))
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            memory = int(line.split()[1]) / 2**20
    for line in _lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME"):
            system = f"{line.partition('=')[2].strip().strip(chr(34))}, Linux {platform.release()}"
    return [
        ("processor", f"{cpu}, {cores} cores"),
        ("memory", f"{memory:.1f} GiB"),
        ("system", system),
        ("Python", sys.version.split()[0]),
        ("PostgreSQL", server),
    ]


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []

"""One log of many processes: every line with the name of its process."""

import contextlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

# A line longer than this many bytes is split, so that a process that never ends its line fills no memory.
MAX_LINE_BYTES = 64 * 1024

COLOURS = (36, 32, 33, 35, 34)


class PrefixedLog:
    """Writes lines as `  name | line`, in colour on a terminal; with LOG_FORMAT=json each as a JSON object."""

    def __init__(self, out: TextIO, width: int = 8) -> None:
        self._out = out
        self._width = width
        self._is_json = os.environ.get("LOG_FORMAT", "").strip().lower() == "json"
        self._colours: dict[str, int] | None = {} if out.isatty() and "NO_COLOR" not in os.environ else None

    def write(self, name: str, line: str) -> None:
        """Writes one line of the process of that name; "" is the portal itself."""
        if self._is_json:
            self._print(line if line.startswith("{") else _as_json(name, line))
            return
        head = f"{name:>{self._width}} | " if name else ""
        if head and self._colours is not None:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            head = f"\x1b[{colour}m{head}\x1b[0m"
        self._print(f"{head}{line}")

    def _print(self, line: str) -> None:
        # The reader of the output may have ended (`make run | head`); the portal goes on serving.
        with contextlib.suppress(OSError):
            print(line, file=self._out, flush=True)


def _as_json(name: str, line: str) -> str:
    """A line that is not of the portal's log, such as gunicorn's, in the form of those that are."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    logger = f"up.{name}" if name else "up"
    return json.dumps({"time": time, "level": "INFO", "logger": logger, "message": line}, ensure_ascii=False)


class LineReader:
    """Splits the output of a file descriptor into lines."""

    def __init__(self, descriptor: int, each: Callable[[str], None]) -> None:
        self.descriptor = descriptor
        self._each = each
        self._rest = b""

    def read(self) -> bool:
        """Reads what is available and passes on each whole line; False at the end of the output."""
        piece = os.read(self.descriptor, MAX_LINE_BYTES)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if self._rest and (not piece or len(self._rest) >= MAX_LINE_BYTES):
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._each(line.decode("utf-8", "replace").rstrip("\r"))
        return bool(piece)

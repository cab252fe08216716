"""Progress of exports on a terminal, and their summary as JSON."""

import sys
import time
from collections.abc import Sequence
from typing import Any, Final, TextIO

from exports import states
from exports.models import Export
from exports.storage import files

EXIT_CODES: Final = {states.SUCCEEDED: 0, states.FAILED: 1, states.CANCELED: 3}
STILL_OPEN: Final = 4
REFRESH_SECONDS: Final = 0.3
BAR_WIDTH: Final = 24


class ProgressPrinter:
    """Prints a line whenever an export changes; on a terminal a single export has one line that is rewritten."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.is_terminal = self.out.isatty()
        self.last_lines: dict[int, str] = {}

    def follow(self, ids: Sequence[int], timeout: float) -> list[Export]:
        """Waits until all exports have ended, at most `timeout` seconds. Returns their state then."""
        deadline = time.monotonic() + timeout
        while True:
            exports = list(Export.objects.with_related().filter(pk__in=ids).order_by("pk"))
            for export in exports:
                self._print(export, alone=len(exports) == 1)
            if not any(export.is_open for export in exports) or time.monotonic() > deadline:
                if self.is_terminal and len(exports) == 1:
                    self.out.write("\n")
                return exports
            time.sleep(REFRESH_SECONDS)

    def _print(self, export: Export, *, alone: bool) -> None:
        line = progress_line(export)
        if self.last_lines.get(export.pk) == line:
            return
        self.last_lines[export.pk] = line
        self.out.write(f"\r\x1b[K{line}" if self.is_terminal and alone else f"{line}\n")
        self.out.flush()


def progress_line(export: Export) -> str:
    """Returns one line: id, kind, bar, status, the provider's status."""
    done = 100.0 if export.status == states.SUCCEEDED else export.progress or 0.0
    bar = "#" * int(BAR_WIDTH * done / 100)
    kind = f"{export.project.provider.label} {export.type}"
    step = f" ({export.step})" if export.is_open else ""
    provider_status = f", provider says {export.provider_status}" if export.provider_status and export.is_open else ""
    return f"{export.pk:>5}  {kind:<20} [{bar:<{BAR_WIDTH}}] {done:>3.0f} %  {export.status}{step}{provider_status}"


def export_summary(export: Export) -> dict[str, Any]:
    """Returns the export as a JSON object for scripts."""
    file = export.file
    error = {"code": export.error_code, "message": export.error_message, "action": export.error_action}
    return {
        "id": export.pk,
        "project_id": export.project_id,
        "provider": export.project.provider.slug,
        "type": export.type,
        "format": export.format,
        "status": export.status,
        "error": error if export.error_code else None,
        "file": {"path": str(files.path_of(file)), "name": file.name, "size": file.size, "sha256": file.sha256}
        if file
        else None,
    }

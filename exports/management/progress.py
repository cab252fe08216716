"""Progress of exports on a terminal, and their summary as JSON."""

import sys
import time
from collections.abc import Sequence
from typing import Any, Final, TextIO

from exports import clock, states
from exports.exporting import durations
from exports.models import Export
from exports.portal_url import portal_url
from exports.sentences import translated
from exports.storage import places
from exports.templatetags.times import format_duration

EXIT_CODES: Final = {states.SUCCEEDED: 0, states.FAILED: 1, states.CANCELED: 3}
STILL_OPEN: Final = 4
REFRESH_SECONDS: Final = 0.3
# Seconds after which a line is written although nothing changed, where lines are not rewritten.
REPEAT_SECONDS: Final = 60.0
BAR_WIDTH: Final = 24


class ProgressPrinter:
    """Prints a line whenever an export changes; on a terminal a single export has one line that is rewritten."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.is_terminal = self.out.isatty()
        self._usual: dict[int, str] = {}
        # By export: its last line without the time, the whole line, and when it was written.
        self._last: dict[int, tuple[str, str, float]] = {}

    def follow(self, ids: Sequence[int], timeout: float) -> list[Export]:
        """Waits until all exports have ended, at most `timeout` seconds. Returns their state then."""
        deadline = time.monotonic() + timeout
        exports = list(Export.objects.with_related().filter(pk__in=ids).order_by("pk"))
        for export in exports:
            self.out.write(translated(f"Export {export.pk}: {page_address(export)}") + "\n")
        self._usual = {pk: translated(f", usually {usual}") for pk, usual in durations.usual_durations(exports).items()}
        while True:
            for export in exports:
                self._print(export, alone=len(exports) == 1)
            if not any(export.is_open for export in exports) or time.monotonic() > deadline:
                if self.is_terminal and len(exports) == 1:
                    self.out.write("\n")
                return exports
            time.sleep(REFRESH_SECONDS)
            exports = list(Export.objects.with_related().filter(pk__in=ids).order_by("pk"))

    def _print(self, export: Export, *, alone: bool) -> None:
        head, now = progress_line(export), time.monotonic()
        line = f"{head}; {elapsed(export)}{self._usual.get(export.pk, '') if export.is_open else ''}"
        rewritten = self.is_terminal and alone
        last_head, last_line, written_at = self._last.get(export.pk, ("", "", 0.0))
        unchanged = last_line == line if rewritten else last_head == head and now - written_at < REPEAT_SECONDS
        if unchanged:
            return
        self._last[export.pk] = head, line, now
        self.out.write(f"\r\x1b[K{line}" if rewritten else f"{line}\n")
        self.out.flush()


def page_address(export: Export) -> str:
    """Returns the address of the export's page; its path alone where the portal does not know its own address."""
    return f"{portal_url()}/t/{export.team.slug}/exports/{export.pk}/"


def progress_line(export: Export) -> str:
    """Returns one line: id, kind, bar, status, phase, the provider's status. The time is not in it."""
    done = 100.0 if export.status == states.SUCCEEDED else export.progress or 0.0
    bar = "#" * int(BAR_WIDTH * done / 100)
    kind = f"{export.project.provider.label} {export.type}"
    provider_status = (
        translated(f", provider says {export.provider_status}") if export.provider_status and export.is_open else ""
    )
    status = f"{export.status}{f': {phase(export)}' if export.is_open else ''}{provider_status}"
    return f"{export.pk:>5}  {kind:<20} [{bar:<{BAR_WIDTH}}] {done:>3.0f} %  {status}"


def phase(export: Export) -> str:
    """Returns what happens now with an open export, and why it waits."""
    label = export.project.provider.label
    if export.step == states.FETCH:
        text = "fetching and checking the file"
    elif export.step == states.POLL:
        text = f"{label} works on it"
    elif export.request_sent_at is not None:
        text = f"looking for the job at {label}"
    else:
        text = f"asking {label}"
    shown = translated(text)
    return f"{shown} ({translated(export.wait_note).rstrip('.')})" if export.wait_note else shown


def elapsed(export: Export) -> str:
    """Returns how long it has taken since it was asked for."""
    return format_duration((export.finished_at or clock.now()) - export.created_at)


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
        "file": {"path": places.describe(file), "name": file.name, "size": file.size, "sha256": file.sha256}
        if file
        else None,
    }

"""The phases of an export, as its page shows them: requested, run at the provider, fetched, verified."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import states
from exports.models import Export
from exports.storage.download_progress import DownloadProgress, download_progress
from exports.templatetags.elements import STATUS_DISPLAY
from exports.templatetags.pages import provider_label
from exports.templatetags.times import file_size

DONE: Final = "done"
NOW: Final = "now"
FAILED: Final = "failed"
AHEAD: Final = ""
# By phase: its label in each state. `{provider}` is replaced by the provider's name.
LABELS: Final = (
    {DONE: _l("Requested"), NOW: _l("Requesting"), FAILED: _l("Request failed"), AHEAD: _l("Request")},
    {DONE: _l("Done at {provider}"), NOW: _l("Running at {provider}"), FAILED: _l("Failed there"), AHEAD: _l("Run")},
    {DONE: _l("Fetched"), NOW: _l("Fetching file"), FAILED: _l("Fetch failed"), AHEAD: _l("Fetch file")},
    {DONE: _l("Verified"), NOW: _l("Verifying"), FAILED: _l("Check failed"), AHEAD: _l("Verify")},
)
ICONS: Final = {DONE: STATUS_DISPLAY[states.SUCCEEDED][1], NOW: "load", FAILED: "x-circle", AHEAD: "ring"}
# Error codes that only occur after the provider has finished the job.
CODES_AFTER_COMPLETION: Final = frozenset({"no_file", "bad_file", "too_large", "storage"})


@dataclass(frozen=True)
class Phase:
    """A phase and how far it is: done, now, failed or ahead.

    `at`: when it was over. Of the phase that runs now: `progress` in percent, `note`: the same in its own unit.
    """

    label: str
    state: str
    at: datetime | None = None
    progress: float | None = None
    note: str = ""

    @property
    def icon(self) -> str:
        """The icon of its state."""
        return ICONS[self.state]

    @property
    def state_label(self) -> str:
        """Its state in words, for screen readers, where the label does not say it."""
        return _("not reached") if self.state == AHEAD else ""


def progress_of(export: Export) -> DownloadProgress | None:
    """Returns how far the file of an export is that is being fetched; None for every other."""
    return download_progress(export.pk, export.fence) if export.is_open and export.step == states.FETCH else None


def build_phases(export: Export) -> list[Phase]:
    """Returns the phases in order: two for a kind without a file, else four."""
    provider = provider_label(export.project.credential)
    labels = LABELS[:2] if export.format == "none" else LABELS
    download = progress_of(export)
    passed = count_passed(export, len(labels), download)
    ends = {0: export.started_at, len(labels) - 1: export.finished_at}
    # The provider says how far its job is, the part on the disk how far the download is.
    progress = {1: export.progress, 2: download.percent if download else None}
    phases = []
    for index, by_state in enumerate(labels):
        state = DONE if index < passed else _state_of_first_ahead(export) if index == passed else AHEAD
        at = ends.get(index) if state == DONE else None
        label = str(by_state[state]).format(provider=provider)
        if state == NOW:
            phases.append(Phase(label, state, at, progress.get(index), download_note(download) if index == 2 else ""))
        else:
            phases.append(Phase(label, state, at))
    return phases


def download_note(download: DownloadProgress | None) -> str:
    """Returns the bytes that are here of those that there will be: "12.1 MB of 40 MB"; "" before the first."""
    if download is None:
        return ""
    if download.total_bytes is None:
        return file_size(download.size)
    return _("%(size)s of %(total)s") % {"size": file_size(download.size), "total": file_size(download.total_bytes)}


def _state_of_first_ahead(export: Export) -> str:
    """Returns the state of the first phase that is not over."""
    if export.is_open:
        return NOW
    return FAILED if export.status == states.FAILED else AHEAD


def count_passed(export: Export, total: int, download: DownloadProgress | None) -> int:
    """Returns how many of `total` phases are over."""
    if export.status == states.SUCCEEDED:
        return total
    if export.error_code == "bad_file" or (download and download.is_complete):
        return 3
    # A link is only opened after the job, so an address that was refused then means that the job was done.
    refused = export.error_code == "address" and bool(export.remote_id)
    if export.step == states.FETCH or export.error_code in CODES_AFTER_COMPLETION or refused:
        return 2
    return 1 if export.remote_id or export.submitted_at else 0

"""How far the download of a file is, as its part on the disk says. Pages show it; nothing depends on it."""

import contextlib
import json
from dataclasses import dataclass

from exports.storage.files import parts_dir


@dataclass(frozen=True)
class DownloadProgress:
    """Bytes that are here, and of how many; `total_bytes` is None where the file's host did not say."""

    size: int
    total_bytes: int | None

    @property
    def percent(self) -> float | None:
        """The share that is here; None without a total."""
        return min(100.0, 100 * self.size / self.total_bytes) if self.total_bytes else None

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are here, so that the file is being checked."""
        return self.total_bytes is not None and self.size >= self.total_bytes


def download_progress(export_id: int, fence: int) -> DownloadProgress | None:
    """Returns the progress of the download that holds this claim; None where this node has no part of it.

    Reads at most two small things of the disk: the part's size, and the answer's metadata beside it.
    """
    path = parts_dir() / f"{export_id}.{fence}.part"
    try:
        size = path.stat().st_size
    except OSError:
        return None
    total = None
    with contextlib.suppress(OSError, ValueError, AttributeError):
        total = json.loads(path.with_suffix(".about").read_text()).get("total")
    return DownloadProgress(size, total if isinstance(total, int) and total > 0 else None)

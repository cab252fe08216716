"""Receipts: who took which file, and when. One for each download, however many parts it came in."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from exports import clock
from exports.models import Download, Export, User

VIA_PAGE, VIA_API, VIA_ZIP = "page", "api", "zip"
# A part from the middle that comes this long after its person took the beginning still belongs to that download.
RESUME_WINDOW: Final = timedelta(days=1)
# Going back to a video's beginning is the same watching.
REPLAY_WINDOW: Final = timedelta(hours=1)


def record_download(
    export: Export,
    user: User,
    *,
    via: str,
    first_byte: int = 0,
    address: str | None = None,
    replay_window: timedelta | None = None,
) -> bool:
    """Notes that somebody takes the file from its byte `first` on. Returns whether that was a new download.

    `again`: somebody who took it less than this long ago goes on with the same download also from the beginning.
    """
    lasting = replay_window if first_byte == 0 else RESUME_WINDOW
    if lasting is not None:
        mine = Download.objects.filter(export=export, user=user, at__gt=clock.now() - lasting)
        if mine.exists():
            return False
    Download.objects.create(export=export, user=user, actor=user.email, via=via, address=address)
    return True


def latest_downloads(export: Export, most: int) -> Sequence[Download]:
    """The latest receipts of an export's file, newest first."""
    return list(Download.objects.select_related("user").filter(export=export).order_by("-pk")[:most])

"""The download log: who downloaded which file, and when. A download in several range requests is one entry."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.models import Download, Export, User

VIA_PAGE, VIA_API, VIA_ZIP = "page", "api", "zip"
# What the audit log adds to who downloaded which file.
AUDIT_DETAILS: Final = {VIA_PAGE: "", VIA_API: "by API", VIA_ZIP: "in a zip"}
MAX_PART_NAME: Final = 100
# A range request from the middle of the file continues a download that the same person began within this time.
RESUME_WINDOW: Final = timedelta(days=1)
# Playing a video from the beginning again within this time is no new download.
REPLAY_WINDOW: Final = timedelta(hours=1)


def record_download(
    export: Export,
    user: User,
    *,
    via: str,
    first_byte: int = 0,
    address: str | None = None,
    replay_window: timedelta | None = None,
    part: str = "",
) -> bool:
    """Records that a user downloads the file from `first_byte` on. Returns whether that is a new download.

    `part`: the name of the one file in the archive that is taken, "" for all of it.
    `via`: VIA_PAGE, VIA_API or VIA_ZIP. `replay_window`: a request from the first byte within this time after the
    user's last download is no new one; None records each of them.
    """
    window = replay_window if first_byte == 0 else RESUME_WINDOW
    if window is not None and Download.objects.filter(export=export, user=user, at__gt=clock.now() - window).exists():
        return False
    detail = f"only {part[:MAX_PART_NAME]}" if part else AUDIT_DETAILS[via]
    with transaction.atomic():
        Download.objects.create(export=export, user=user, actor=user.email, via=via, address=address)
        audit_log.record_event(export.team_id, user, "downloaded", audit_log.describe_file(export), detail, address)
    return True


def record_zip(exports: Sequence[Export], user: User, address: str | None = None) -> None:
    """Records that a user downloads the files of these exports, of one team, as one zip."""
    if not exports:
        return
    with transaction.atomic():
        Download.objects.bulk_create(
            Download(export=export, user=user, actor=user.email, via=VIA_ZIP, address=address) for export in exports
        )
        targets = [audit_log.describe_file(export) for export in exports]
        audit_log.record_events(exports[0].team_id, user, "downloaded", targets, AUDIT_DETAILS[VIA_ZIP], address)


def latest_downloads(export: Export, max_count: int) -> Sequence[Download]:
    """Returns the latest downloads of an export's file, newest first."""
    return list(Download.objects.select_related("user").filter(export=export).order_by("-pk")[:max_count])

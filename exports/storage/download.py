"""Receiving the bytes of a file: as they come, to the disk and into the hash, within every bound."""

import errno
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from exports import clock
from exports.models import Export, Team
from exports.queue.leases import Claim
from exports.storage import files
from exports.transport.errors import UnclearError
from exports.transport.open_url import StreamedResponse

CHUNK_BYTES: Final = 1024 * 1024
CHECK_SECONDS: Final = 0.25
SPACE_CHECK_BYTES: Final = 32 * CHUNK_BYTES
# A body that trickles slower than this over STALL_SECONDS is cut and resumed.
STALL_SECONDS: Final = 60.0
STALL_BYTES: Final = 1024


class StorageError(Exception):
    """Our own disk refuses."""


class TooLargeError(Exception):
    """More than the portal keeps."""


@dataclass
class Progress:
    """The bytes so far and their hash."""

    part: files.PartialFile
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    length_known: bool = True


def is_continuation(opened: StreamedResponse, size: int, said: Mapping[str, Any]) -> bool:
    """Whether a 206 begins where our bytes end (RFC 9110 §14.4) and is of the same file: some hosts ignore If-Range."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", opened.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != size:
        return False
    same_size = match[3] == "*" or said.get("total") in (None, int(match[3]))
    return same_size and _validator(opened) in ("", said["validator"])


def stream_to_part(claim: Claim, progress: Progress, opened: StreamedResponse) -> Progress:
    """Appends the body to the part. Raises StorageError, TooLargeError, UnclearError, LostClaimError, OSError."""
    total = _total(opened, progress.size)
    most, why = _most_bytes(claim.export)
    if total is not None and total > most:
        raise TooLargeError(f"The file has {total} bytes; {why}")
    encoded = bool(opened.headers.get("Content-Encoding"))
    looked = time.monotonic()
    mark, roomy, next_look = (looked, progress.size), progress.size, progress.size
    try:
        with progress.part.path.open("ab" if progress.size else "wb", buffering=CHUNK_BYTES) as file:
            files.lock_for_writing(file)
            claim.check()
            progress.part.write_metadata({"validator": "" if encoded else _validator(opened), "total": total})
            for piece in opened.chunks(CHUNK_BYTES):
                # TLS hands out 16 KB at a time: looking around is for every MB, or a few times a second.
                if progress.size >= next_look or time.monotonic() > looked + CHECK_SECONDS:
                    looked, next_look = time.monotonic(), progress.size + CHUNK_BYTES
                    claim.check()
                    file.flush()  # what is here survives this process
                    if clock.now() >= claim.export.deadline_at:
                        raise UnclearError("The deadline came in the middle of the download.")
                    if progress.size >= roomy:
                        roomy = _check_room(progress.size, total)
                    if looked > mark[0] + STALL_SECONDS:
                        if progress.size < mark[1] + STALL_BYTES:
                            raise UnclearError("The download stalled.")
                        mark = looked, progress.size
                file.write(piece)
                progress.sha256.update(piece)
                progress.size += len(piece)
                if progress.size > most:
                    raise TooLargeError(f"The file has more than {most} bytes; {why}")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            progress.part.free_some_space()
        raise
    progress.length_known = opened.has_explicit_end
    if total is not None and progress.size < total:
        raise UnclearError(f"The download was cut off after {progress.size} of {total} bytes.")
    if total is not None and progress.size > total:
        progress.part.discard()
        raise UnclearError("The file's host sent more than it announced.")
    return progress


def _most_bytes(export: Export) -> tuple[int, str]:
    """How many bytes the file may have, and why not more."""
    team = Team.objects.get(pk=export.team_id)
    left = settings.MAX_FILE_BYTES if team.quota_bytes is None else max(0, team.quota_bytes - team.kept_bytes)
    if left < settings.MAX_FILE_BYTES:
        return left, f"the team keeps {team.kept_bytes} of at most {team.quota_bytes} bytes. Delete files, then retry."
    return settings.MAX_FILE_BYTES, f"the portal keeps at most {settings.MAX_FILE_BYTES}."


def _validator(opened: StreamedResponse) -> str:
    """What proves that the rest belongs to the same file: a strong tag, or else a date (RFC 9110 §13.1.5)."""
    etag = str(opened.headers.get("ETag", ""))
    return etag if etag and not etag.startswith("W/") else str(opened.headers.get("Last-Modified", ""))


def _check_room(size: int, total: int | None) -> int:
    """The size at which to look again. Raises StorageError: a full disk would stop the database too."""
    if not files.has_free_space(0 if total is None else total - size):
        raise StorageError("There is no room on the disk for the file.")
    return size + SPACE_CHECK_BYTES


def _total(opened: StreamedResponse, have: int) -> int | None:
    """Size of the whole file by the headers, None where they do not say."""
    if opened.headers.get("Content-Encoding"):
        return None
    if opened.status == 206:
        said = opened.headers.get("Content-Range", "").rpartition("/")[2]
        return int(said) if said.isdigit() else None
    length = opened.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def hash_existing_bytes(claim: Claim, progress: Progress) -> None:
    """Reads again what is on disk already: the hash must be of the bytes that are really there."""
    with progress.part.path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            claim.check()
            progress.sha256.update(chunk)
            progress.size += len(chunk)

"""Streams the body of a response to a part on disk, hashes it, and enforces the limits of size, time and space."""

import errno
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from exports import clock
from exports.models import Export
from exports.queue.leases import Claim
from exports.storage import files
from exports.storage.verify import BadFileError
from exports.transport.errors import ContentCodingError, UnclearError
from exports.transport.open_url import StreamedResponse
from exports.transport.response_reader import content_length, content_range

CHUNK_BYTES: Final = 1024 * 1024
CHECK_SECONDS: Final = 0.25
SPACE_CHECK_BYTES: Final = 4 * CHUNK_BYTES
# A body with less than STALL_BYTES in STALL_SECONDS is cut off and resumed later.
STALL_SECONDS: Final = 60.0
STALL_BYTES: Final = 1024


class StorageError(Exception):
    """The portal's own disk is full."""


class TooLargeError(Exception):
    """The file is larger than the portal's limit or the team's quota allows; the text is for a person."""


@dataclass
class Progress:
    """The part, the number of bytes received so far, and their hash.

    `length_known`: whether the response showed where the file ends.
    """

    part: files.PartialFile
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    length_known: bool = True


def is_continuation(response: StreamedResponse, size: int, metadata: Mapping[str, Any]) -> bool:
    """Whether a 206 begins where the part ends (RFC 9110 §14.4) and belongs to the same file.

    Checked because some hosts ignore If-Range. `metadata`: what `PartialFile.read_metadata` returned.
    """
    positions = content_range(response.headers)
    if positions is None or positions[0] != size or _is_encoded(response):
        return False
    same_size = positions[2] is None or metadata.get("total") in (None, positions[2])
    return same_size and (size == 0 or _validator(response) in ("", metadata.get("validator")))


def stream_to_part(claim: Claim, progress: Progress, response: StreamedResponse) -> Progress:
    """Appends the body to the part.

    Raises StorageError, TooLargeError, BadFileError, UnclearError, LostClaimError, OSError.
    """
    total = _total_bytes(response)
    max_bytes, limit_sentence = _size_limit(claim.export)
    if total is not None and total > max_bytes:
        raise TooLargeError(f"The file has {total} bytes; {limit_sentence}")
    checked_at = time.monotonic()
    stall_mark = (checked_at, progress.size)
    next_check = next_space_check = progress.size
    try:
        with progress.part.path.open("ab" if progress.size else "wb", buffering=CHUNK_BYTES) as file:
            files.lock_for_writing(file)
            claim.check()
            progress.part.write_metadata({"validator": _validator(response), "total": total})
            for chunk in response.chunks(CHUNK_BYTES):
                # TLS delivers 16 KB at a time; the checks run once per CHUNK_BYTES, or after CHECK_SECONDS.
                if progress.size >= next_check or time.monotonic() > checked_at + CHECK_SECONDS:
                    checked_at, next_check = time.monotonic(), progress.size + CHUNK_BYTES
                    claim.check()
                    file.flush()  # so that these bytes survive the process
                    if clock.now() >= claim.export.deadline_at:
                        raise UnclearError("The deadline came in the middle of the download.")
                    if progress.size >= next_space_check:
                        next_space_check = _check_space(progress.size, total)
                    if checked_at > stall_mark[0] + STALL_SECONDS:
                        if progress.size < stall_mark[1] + STALL_BYTES:
                            raise UnclearError("The download stalled.")
                        stall_mark = checked_at, progress.size
                file.write(chunk)
                progress.sha256.update(chunk)
                progress.size += len(chunk)
                claim.received += len(chunk)
                if progress.size > max_bytes:
                    raise TooLargeError(f"The file has more than {max_bytes} bytes; {limit_sentence}")
    except ContentCodingError as error:
        raise BadFileError(error.message) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            progress.part.free_some_space()
        raise
    progress.length_known = response.has_explicit_end
    if total is not None and progress.size < total:
        raise UnclearError(f"The download was cut off after {progress.size} of {total} bytes.")
    if total is not None and progress.size > total:
        progress.part.discard()
        raise UnclearError("The file's host sent more than it announced.")
    return progress


def _size_limit(export: Export) -> tuple[int, str]:
    """Returns how many bytes the file may have, and a sentence for a person that says why not more."""
    team = export.team
    left = settings.MAX_FILE_BYTES if team.quota_bytes is None else max(0, team.quota_bytes - team.kept_bytes)
    if left < settings.MAX_FILE_BYTES:
        return left, f"the team keeps {team.kept_bytes} of at most {team.quota_bytes} bytes. Delete files, then retry."
    return settings.MAX_FILE_BYTES, f"the portal keeps at most {settings.MAX_FILE_BYTES}."


def _validator(response: StreamedResponse) -> str:
    """Returns the validator for If-Range: a strong ETag, else Last-Modified, else "" (RFC 9110 §13.1.5).

    "" also for a body that came packed: its positions are not those of the bytes on disk.
    """
    if _is_encoded(response):
        return ""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag and not etag.startswith("W/") else str(response.headers.get("Last-Modified", ""))


def _check_space(size: int, total: int | None) -> int:
    """Returns the size at which to check again. Raises StorageError early: a full disk stops the database."""
    if not files.has_free_space(0 if total is None else total - size):
        raise StorageError("There is no room on the disk for the file.")
    return size + SPACE_CHECK_BYTES


def _is_encoded(response: StreamedResponse) -> bool:
    """Whether the body came packed. Raises BadFileError where it cannot be unpacked."""
    try:
        return response.is_encoded
    except ContentCodingError as error:
        raise BadFileError(error.message) from None


def _total_bytes(response: StreamedResponse) -> int | None:
    """Returns the size of the whole file by the headers; None when they do not have it."""
    if _is_encoded(response):
        return None
    if response.status == 206:
        positions = content_range(response.headers)
        return positions[2] if positions else None
    return content_length(response.headers)


def hash_existing_bytes(claim: Claim, progress: Progress) -> None:
    """Adds the bytes on disk to the hash and the size, so that a resumed download hashes the bytes really there."""
    with progress.part.path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            claim.check()
            progress.sha256.update(chunk)
            progress.size += len(chunk)

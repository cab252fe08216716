"""Streams the body of a response to a part, hashes it, and enforces the limits of size, time and space."""

import errno
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Final

from django.conf import settings

from exports import clock
from exports.models import Export
from exports.queue.leases import Claim
from exports.storage.place import Part
from exports.storage.verify import BadFileError
from exports.transport.digests import Digest, announced_digests
from exports.transport.errors import ContentCodingError, UnclearError
from exports.transport.open_url import StreamedResponse
from exports.transport.response_reader import content_range, parse_size

UNSATISFIED_RANGE: Final = re.compile(r"bytes[ \t]*[ =][ \t]*\*[ \t]*/[ \t]*([0-9]+)", re.I)
CHUNK_BYTES: Final = 1024 * 1024
CHECK_SECONDS: Final = 0.25
SPACE_CHECK_BYTES: Final = 4 * CHUNK_BYTES
# A body with less than STALL_BYTES in STALL_SECONDS is cut off and resumed later.
STALL_SECONDS: Final = 60.0
STALL_BYTES: Final = 1024


class StorageError(Exception):
    """The portal's own disk is full, or a file cannot be kept."""


class TooLargeError(Exception):
    """The file is larger than the portal's limit or the team's quota allows; the text is for a person."""


@dataclass
class Progress:
    """The part, the number of bytes received so far, and their hash.

    `length_known`: whether the response showed where the file ends. `total`, `validator`, `digests`: what the answers
    said of the file whose bytes these are.
    """

    part: Part
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    length_known: bool = True
    total: int | None = None
    validator: str = ""
    digests: tuple[Digest, ...] = ()

    def recall(self, metadata: Mapping[str, Any]) -> None:
        """Takes over what `PartialFile.read_metadata` returned of the answers before."""
        self.total, self.validator = metadata.get("total"), metadata["validator"]
        self.digests = tuple(Digest(*fields) for fields in metadata.get("digests", []))


def is_piece(response: StreamedResponse) -> bool:
    """Whether the body is a piece of the file: a 206, or a 200 whose Content-Range and length agree that it is one."""
    if response.status == 206:
        return True
    positions = content_range(response.headers)
    if positions is None or (positions[0] == 0 and positions[1] + 1 == positions[2]):
        return False
    return response.length == positions[1] + 1 - positions[0]


def join_piece(claim: Claim, progress: Progress, response: StreamedResponse) -> Progress | None:
    """Returns the progress to which a piece is to be appended; None where it does not belong to the same file.

    Caches send whole blocks, and some hosts the whole file, so a piece may begin before the end of the part (RFC 9110
    §14.4), which then is cut there. Some hosts ignore If-Range: a piece must repeat the ETag, but not the date
    (§15.3.7).
    """
    positions = content_range(response.headers)
    if positions is None or positions[0] > progress.size or _is_encoded(response):
        return None
    if response.length not in (None, positions[1] + 1 - positions[0]):
        return None  # It is no piece of the file: a page, say, under the headers of one.
    if progress.size == 0:
        return progress
    known, validator = progress.validator, _validator(response)
    is_same = validator == known or (not validator and not known.startswith('"'))
    if not is_same or not (positions[2] is None or progress.total in (None, positions[2])):
        return None
    if positions[0] == progress.size:
        return progress
    progress.part.truncate(positions[0])
    shorter = Progress(progress.part, total=progress.total, validator=known, digests=progress.digests)
    hash_existing_bytes(claim, shorter)
    return shorter


def contradicts(progress: Progress, response: StreamedResponse) -> bool:
    """Whether a 200 names the version whose beginning is here, but another length: it may be a piece of it, unsaid."""
    validator, length = progress.validator, response.length
    is_same = bool(validator) and not _is_encoded(response) and _validator(response) == validator
    return is_same and None not in (progress.total, length) and length != progress.total


def ends_at(response: StreamedResponse, size: int) -> bool:
    """Whether a 416 says that the file has just these bytes: nothing is missing (RFC 9110 §15.5.17)."""
    match = UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    return match is not None and parse_size(match[1]) == size


def stream_to_part(claim: Claim, progress: Progress, response: StreamedResponse) -> Progress:
    """Appends the body to the part.

    Raises StorageError, TooLargeError, BadFileError, UnclearError, LostClaimError, OSError.
    """
    total = _total_bytes(response, progress)
    max_bytes, limit_sentence = _size_limit(claim.export)
    if total is not None and total > max_bytes:
        raise TooLargeError(f"The file has {total} bytes; {limit_sentence}")
    checked_at = time.monotonic()
    stall_mark = (checked_at, progress.size)
    next_check = next_space_check = progress.size
    try:
        with progress.part.open_for_writing(total, append=bool(progress.size)) as file:
            claim.check()
            if not _is_encoded(response):
                progress.digests = announced_digests(response.headers, is_piece=is_piece(response)) or progress.digests
            validator = _validator(response) or progress.validator
            digests = [astuple(digest) for digest in progress.digests]
            progress.part.write_metadata({"validator": validator, "total": total, "digests": digests})
            for chunk in response.chunks(CHUNK_BYTES):
                # TLS delivers 16 KB at a time; the checks run once per CHUNK_BYTES, or after CHECK_SECONDS.
                if progress.size >= next_check or time.monotonic() > checked_at + CHECK_SECONDS:
                    checked_at, next_check = time.monotonic(), progress.size + CHUNK_BYTES
                    claim.check()
                    file.flush()  # so that these bytes survive the process
                    if clock.now() >= claim.export.deadline_at:
                        raise UnclearError("The deadline came in the middle of the download.")
                    if progress.size >= next_space_check:
                        next_space_check = _check_space(progress, total)
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
    positions = content_range(response.headers)
    if positions and is_piece(response) and progress.length_known and progress.size != positions[1] + 1:
        raise BadFileError("The file's host sent a piece of another length than it said.")
    if total is not None and progress.size < total:
        raise UnclearError(f"The download was cut off after {progress.size} of {total} bytes.")
    if response.has_surplus or (total is not None and progress.size > total):
        raise BadFileError("The file's host sent more than it announced.")
    if total is None and is_piece(response):
        raise UnclearError("The file's host sent a piece, and did not say how long the file is.")
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

    "" also for a body that came packed: its positions are not those of the bytes that are kept.
    """
    if _is_encoded(response):
        return ""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag and not etag.startswith("W/") else str(response.headers.get("Last-Modified", ""))


def _check_space(progress: Progress, total: int | None) -> int:
    """Returns the size at which to check again. Raises StorageError early: a full disk stops the database."""
    if not progress.part.has_free_space(0 if total is None else total - progress.size):
        raise StorageError("There is no room on the disk for the file.")
    return progress.size + SPACE_CHECK_BYTES


def _is_encoded(response: StreamedResponse) -> bool:
    """Whether the body came packed. Raises BadFileError where it cannot be unpacked."""
    try:
        return response.is_encoded
    except ContentCodingError as error:
        raise BadFileError(error.message) from None


def _total_bytes(response: StreamedResponse, progress: Progress) -> int | None:
    """Returns the size of the whole file, by the headers or as an earlier answer said it; None when it is not known."""
    if _is_encoded(response):
        return None
    if is_piece(response):
        positions = content_range(response.headers)
        return positions[2] if positions and positions[2] is not None else progress.total
    return response.length


def hash_existing_bytes(claim: Claim, progress: Progress) -> None:
    """Adds the bytes that are there to the hash and the size, so that a resumed download hashes what is there."""
    with progress.part.readable.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            claim.check()
            progress.sha256.update(chunk)
            progress.size += len(chunk)


def contradicting_header(claim: Claim, progress: Progress) -> str:
    """Returns the header whose checksum is another one than that of the bytes that are there, "" where none is."""
    others = {digest.algorithm for digest in progress.digests} - {"sha256"}
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in others}
    if hashes:
        with progress.part.readable.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                claim.check()
                for one in hashes.values():
                    one.update(chunk)
    hashes["sha256"] = progress.sha256
    wrong = (digest.header for digest in progress.digests if hashes[digest.algorithm].hexdigest() != digest.value)
    return next(wrong, "")

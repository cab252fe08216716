"""The fetch step: streams the file, hashes it, resumes after a break, verifies it, then makes it visible atomically."""

import errno
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.utils.text import slugify

from exports import clock, formats, units
from exports.credentials.client import call_row
from exports.models import Call, File
from exports.queue.deferred_calls import insert_calls
from exports.queue.leases import Claim, LostClaimError
from exports.settle.outcome import fail, postpone, succeed
from exports.steps.errors import handle_error
from exports.steps.file_source import may_open, open_source, rate_class_of
from exports.steps.late_files import NotThereError, ask_for_fresh_link, wait_for_file
from exports.storage import places
from exports.storage.bucket.errors import BucketError, describe_refusal
from exports.storage.download import (
    Progress,
    StorageError,
    TooLargeError,
    contradicting_header,
    contradicts,
    ends_at,
    hash_existing_bytes,
    is_piece,
    join_piece,
    stream_to_part,
)
from exports.storage.place import Part, Place
from exports.storage.verify import BadFileError, verify
from exports.transport.calls import CallRecord
from exports.transport.errors import (
    BusyError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
)
from exports.transport.responses import retry_after_seconds

# Answers that have the file: 203 is a 200 that a proxy changed something in (RFC 9110 §15.3.4).
FILE_STATUSES: Final = frozenset({200, 203, 206})
# Answers that say nothing about the file. Every other 4xx means that it is not there: not yet, or the link has expired
# (answered 400, 401, 403, 404 or 410).
RETRYABLE_STATUSES: Final = frozenset({408, 416, 429})
MAX_BREAKS_WITHOUT_GROWTH: Final = 6
MAX_REFUSED_RANGES: Final = 4
# Pauses in seconds before a file that is broken is fetched anew: its host may still be writing it. A large one costs
# too much to be fetched more than twice, and one that always breaks at the same place is fetched anew once.
REFETCH_PAUSES: Final = (10.0, 30.0, 90.0)
LARGE_FILE_BYTES: Final = 64 * 1024 * 1024
STORAGE_RETRY_SECONDS: Final = 15.0
MAX_STORAGE_RETRY_SECONDS: Final = 600.0
FULL_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def fetch(claim: Claim) -> None:
    """Downloads the file, verifies it and ends the export as succeeded.

    Raises ProviderError, LostClaimError and the database's errors, which `steps.run` handles.
    """
    export = claim.export
    if not may_open(claim):
        return
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, export, None))

    place = places.current()
    try:
        part = place.take_over(export, claim.fence)
    except OSError as error:
        postpone(claim, STORAGE_RETRY_SECONDS, describe_refusal(error), last_error_code="storage")
        return
    before = part.size
    try:
        if export.needed_bytes and not part.has_free_space(export.needed_bytes - before):
            raise StorageError("There is no room on the disk for the file.")
        done, declared_type = _download(claim, part, export.decrypt_link(), record)
        _publish(claim, place, done, declared_type)
    except NotThereError as error:
        wait_for_file(claim, part, f"The download link has expired ({error}).", "no_file")
    except BadFileError as error:
        if error.is_placeholder:
            part.discard()
            wait_for_file(claim, part, f"{error} That came in the place of the export.", "bad_file")
        else:
            large = part.size > LARGE_FILE_BYTES
            _reject_part(claim, part, str(error), REFETCH_PAUSES[:1] if large else REFETCH_PAUSES)
    except TooLargeError as error:
        part.discard()
        fail(claim, "too_large", str(error), source="worker")
    except (StorageError, OSError) as error:
        _wait_for_room(claim, part, error)
    except BusyError as error:
        handle_error(claim, error, rate_class=rate_class_of(export))
    except (UnclearError, NotSentError) as error:
        if error.code == "address":
            part.discard()
            handle_error(claim, error)
        else:
            _postpone_download(claim, part, before, error)
    except LostClaimError:
        export.refresh_from_db(fields=["status"])
        if not export.is_open:
            part.discard()
        raise
    finally:
        insert_calls(calls)


def _download(claim: Claim, part: Part, link: str, record: Any) -> tuple[Progress, str]:
    """Completes the part. Returns it with the media type that the host named.

    Raises NotThereError, StorageError, TooLargeError, ProviderError, LostClaimError.
    """
    progress = Progress(part)
    metadata = part.read_metadata()
    headers: dict[str, str] = {}
    # Where a range is refused again and again, also with a fresh link, the whole file may be had all the same.
    if part.size and metadata.get("validator") and claim.export.late_answers < MAX_REFUSED_RANGES:
        progress.recall(metadata)
        hash_existing_bytes(claim, progress)
        headers = {"Range": f"bytes={progress.size}-", "If-Range": progress.validator}
        if progress.total == progress.size:
            return progress, ""
    with open_source(claim, link, headers, record) as opened:
        if opened.status < 500 and opened.status not in (*FILE_STATUSES, *RETRYABLE_STATUSES):
            raise NotThereError(f"answered {opened.status}")
        if opened.status == 416 and headers:
            if progress.total is None and ends_at(opened, progress.size):
                return progress, ""
            part.discard()
            raise UnclearError("Download interrupted; starting over.")
        if opened.status == 429:
            raise BusyError("The file server asked us to slow down.", seconds=retry_after_seconds(opened.headers))
        if opened.status not in FILE_STATUSES:
            raise UnclearError(f"The file's host answered {opened.status}.", provider_status=str(opened.status))
        joined = join_piece(claim, progress, opened) if is_piece(opened) else Progress(part)
        if joined is None or (not is_piece(opened) and contradicts(progress, opened)):
            if not part.size:
                raise BadFileError("The file's host sends a piece of the file, but was not asked for one.")
            part.discard()
            raise UnclearError("The file's host sent another piece than was asked for.")
        declared_type = str(opened.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
        return stream_to_part(claim, joined, opened), declared_type


def _wait_for_room(claim: Claim, part: Part, error: StorageError | OSError) -> None:
    """Postpones a download that the storage refuses. A part for whose rest there is no room goes: others may fit."""
    claim.check()
    export, size, total = claim.export, part.size, part.read_metadata().get("total")
    fields: dict[str, Any] = {}
    note = describe_refusal(error) if isinstance(error, OSError) else str(error)
    if isinstance(error, StorageError) or error.errno in FULL_DISK_ERRORS:
        needed = max(total if isinstance(total, int) else size, size)
        fields["needed_bytes"] = max(needed, export.needed_bytes)
        # A quota or a limit of the system is not seen in the free space of the disk.
        is_limit = isinstance(error, OSError) and error.errno != errno.ENOSPC
        if is_limit or not (isinstance(total, int) and part.has_free_space(total - size)):
            part.discard()
            fields["largest_part_bytes"] = 0
            note += " What had come was dropped, so that smaller files fit." if size else ""
    count = export.consecutive_failures if export.last_error_code == "storage" else 0
    seconds = min(STORAGE_RETRY_SECONDS * 2 ** min(count, 10), MAX_STORAGE_RETRY_SECONDS)
    note += " It is tried again later."
    fields |= {"consecutive_failures": count + 1, "last_error_code": "storage"}
    postpone(claim, clock.with_jitter(seconds), note, **fields)


def _postpone_download(claim: Claim, part: Part, before: int, error: ProviderError) -> None:
    """Postpones a download that broke: it resumes from what is there. Six breaks without growth: a bad file."""
    claim.check()  # a download that gave way to another one did not break
    export = claim.export
    largest = max(before, export.largest_part_bytes)
    grown = part.size > largest
    consecutive_failures = 0 if grown else export.consecutive_failures + 1
    got_some = part.size > 0
    if got_some and consecutive_failures >= MAX_BREAKS_WITHOUT_GROWTH:
        why = f"{error.message} It broke at the same place {consecutive_failures} times."
        _reject_part(claim, part, why, REFETCH_PAUSES[:1])
        return
    seconds = clock.backoff(consecutive_failures, base_seconds=0.5, max_seconds=5.0 if got_some else 120.0)
    postpone(
        claim,
        seconds,
        error.message,
        consecutive_failures=consecutive_failures,
        largest_part_bytes=max(part.size, largest),
        late_answers=0 if grown else export.late_answers,
        last_error_code="fetch",
    )


def _reject_part(claim: Claim, part: Part, why: str, pauses: Sequence[float]) -> None:
    """Discards a part that is unusable and starts again after the next of the pauses, with a fresh link.

    After the last pause the export fails.
    """
    claim.check()
    count = claim.export.refetches
    part.discard()
    if count >= len(pauses):
        fail(claim, "bad_file", f"Damaged {count + 1} times: {why}", source="worker")
        return
    with suppress(RefusedError):
        ask_for_fresh_link(claim)
    note = f"{why} It is fetched once more."
    postpone(claim, pauses[count], note, refetches=count + 1, consecutive_failures=0, largest_part_bytes=0)


def _publish(claim: Claim, place: Place, done: Progress, declared_type: str) -> None:
    """Verifies the part and makes it visible together with the success, or not at all."""
    export = claim.export
    try:
        if done.part.size != done.size:
            raise BadFileError("The file changed while it was written.")
        unchecked = verify(
            done.part.readable, export.format, length_known=done.length_known, declared_type=declared_type
        )
        if header := contradicting_header(claim, done):
            if not export.refetches:
                raise BadFileError(f"The bytes are not those that its host's own checksum ({header}) names.")
            unchecked = f"Its host's own checksum ({header}) is that of other bytes. {unchecked}".rstrip()
        claim.check()
        path = done.part.publish(export.team_id, export.pk, formats.get_format(export.format).suffix)
    except BucketError:
        raise
    except OSError as error:
        raise StorageError(f"The file cannot be kept ({error.strerror}).") from None
    try:
        with transaction.atomic():
            now = clock.now()
            file = File.objects.create(
                team_id=export.team_id,
                name=file_name(claim),
                size=done.size,
                sha256=done.sha256.hexdigest(),
                content_type=formats.content_type(export.format),
                path=path,
                storage=place.identity,
                verified_at=now,
                unchecked=unchecked[:300],
            )
            note = f"File verified, {units.size(done.size)}. {unchecked}".rstrip()
            succeed(claim, source="worker", note=note, file=file, consecutive_failures=0, last_error_code="")
    except (OperationalError, InterfaceError):
        raise  # the commit may have happened: the file stays, and is swept if no row names it
    except BaseException:
        with suppress(BucketError):
            place.delete(path)
        raise
    place.tidy(export, path)


def file_name(claim: Claim) -> str:
    """The file name that people see: project, type, number."""
    export = claim.export
    project = slugify(export.project.name)[:80] or slugify(export.project.remote_id)[:80] or "project"
    return f"{project}-{export.type}-{export.pk}.{formats.get_format(export.format).suffix}"

"""The fetch step: streams the file, hashes it, resumes after a break, verifies it, then makes it visible atomically."""

from contextlib import suppress
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils.text import slugify

from exports import clock
from exports.credentials.client import (
    address_guard,
    call_row,
    job_fields,
    open_client,
    retry_with_fresh_token,
)
from exports.models import Call, File, Team
from exports.providers.contract import Job
from exports.queue import rate_limits
from exports.queue.leases import Claim, LostClaimError
from exports.settle.outcome import fail, postpone, succeed
from exports.steps.errors import handle_error
from exports.storage import files
from exports.storage.download import (
    Progress,
    StorageError,
    TooLargeError,
    hash_existing_bytes,
    is_continuation,
    stream_to_part,
)
from exports.storage.verify import CONTENT_TYPES, BadFileError, verify
from exports.transport.client import CallRecord
from exports.transport.errors import BusyError, NotSentError, ProviderError, UnclearError
from exports.transport.open_url import open_url
from exports.transport.responses import retry_after_seconds

# Every other 4xx means that the link is dead (expired links are answered 400, 401, 403, 404, 410).
RETRYABLE_STATUSES: Final = frozenset({408, 416, 425, 429})
MAX_BREAKS_WITHOUT_GROWTH: Final = 6
STORAGE_RETRY_SECONDS: Final = 15.0


class DeadLinkError(Exception):
    """The link no longer opens the file."""


def fetch(claim: Claim) -> None:
    """Downloads the file, verifies it and ends the export as succeeded.

    Raises ProviderError, LostClaimError and the database's errors, which `steps.run` handles.
    """
    export = claim.export
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, export, None))

    try:
        part = files.PartialFile.take_over(export.pk, claim.fence)
    except OSError as error:
        postpone(claim, STORAGE_RETRY_SECONDS, f"The disk refuses ({error.strerror}).", last_error_code="storage")
        return
    before = part.size
    try:
        try:
            done = _download(claim, part, export.decrypt_link(), record)
        except DeadLinkError:
            done = _download(claim, part, _fresh_link(claim), record)
        _publish(claim, done)
    except DeadLinkError as error:
        part.discard()
        fail(claim, "no_file", f"The provider says the job is done, but its link is dead ({error}).", source="worker")
    except BadFileError as error:
        _reject_part(claim, part, str(error))
    except TooLargeError as error:
        part.discard()
        fail(claim, "too_large", str(error), source="worker")
    except (StorageError, OSError) as error:
        why = error.strerror or "it refuses" if isinstance(error, OSError) else str(error)
        postpone(
            claim, STORAGE_RETRY_SECONDS, f"The disk: {why} It goes on as soon as it can.", last_error_code="storage"
        )
    except BusyError as error:
        handle_error(claim, error, rate_class="normal")
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
        Call.objects.bulk_create(calls)


def _download(claim: Claim, part: files.PartialFile, link: str, record: Any) -> Progress:
    """Completes the part. Raises DeadLinkError, StorageError, TooLargeError, ProviderError, LostClaimError."""
    progress = Progress(part)
    metadata = part.read_metadata()
    headers: dict[str, str] = {}
    if part.size and metadata.get("validator"):
        hash_existing_bytes(claim, progress)
        headers = {"Range": f"bytes={progress.size}-", "If-Range": metadata["validator"]}
        if metadata.get("total") == progress.size:
            return progress
    with open_url(link, address_guard(), headers, record) as opened:
        if 400 <= opened.status < 500 and opened.status not in RETRYABLE_STATUSES:
            raise DeadLinkError(f"answered {opened.status}")
        if opened.status == 416 and headers:
            part.discard()
            raise UnclearError("The file's host no longer has the rest of the file; it is fetched anew.")
        if opened.status == 429:
            raise BusyError("The file's host asks for a pause.", seconds=retry_after_seconds(opened.headers))
        if opened.status not in (200, 206):
            raise UnclearError(f"The file's host answered {opened.status}.", provider_status=str(opened.status))
        if opened.status == 200 or not is_continuation(opened, progress.size, metadata):
            if opened.status == 206:
                part.discard()
                raise UnclearError("The file's host sent another piece than was asked for.")
            progress = Progress(part)
        return stream_to_part(claim, progress, opened)


def _fresh_link(claim: Claim) -> str:
    """Asks the provider once for a fresh link. Raises DeadLinkError, ProviderError, LostClaimError."""
    export = claim.export
    with open_client(export.project.credential, export) as client:
        job = Job(**job_fields(export))
        try:
            status = retry_with_fresh_token(
                client, lambda: export.project.credential.provider_definition.poll(client, job)
            )
        finally:
            rate_limits.count_unadmitted_calls(export.project.credential, client.call_count)
    if status.state != "done" or not status.link:
        raise DeadLinkError("and the provider names no other")
    claim.write(encrypted_link=export.encrypt_link(status.link))
    return status.link


def _postpone_download(claim: Claim, part: files.PartialFile, before: int, error: ProviderError) -> None:
    """Postpones a download that broke: it resumes from the bytes on the disk. Six breaks without growth: a bad file."""
    claim.check()  # a download that gave way to another one did not break
    export = claim.export
    largest = max(before, export.largest_part_bytes)
    grown = part.size > largest
    consecutive_failures = 0 if grown else export.consecutive_failures + 1
    got_some = part.size > 0
    if got_some and consecutive_failures >= MAX_BREAKS_WITHOUT_GROWTH:
        _reject_part(claim, part, f"{error.message} It broke at the same place {consecutive_failures} times.")
        return
    seconds = clock.backoff(consecutive_failures, base_seconds=0.5, max_seconds=5.0 if got_some else 120.0)
    postpone(
        claim,
        seconds,
        error.message,
        consecutive_failures=consecutive_failures,
        largest_part_bytes=max(part.size, largest),
        last_error_code="fetch",
    )


def _reject_part(claim: Claim, part: files.PartialFile, why: str) -> None:
    """Discards a part that is unusable and starts again with a fresh link; the second time the export fails."""
    claim.check()
    export = claim.export
    part.discard()
    if export.refetches:
        fail(claim, "bad_file", f"The file is not usable, twice. {why}", source="worker")
        return
    with suppress(DeadLinkError):
        _fresh_link(claim)
    postpone(claim, 1.0, f"{why} It is fetched once more.", refetches=1, consecutive_failures=0, largest_part_bytes=0)


def _publish(claim: Claim, done: Progress) -> None:
    """Verifies the part and makes it visible together with the success, or not at all."""
    export = claim.export
    try:
        if done.part.size != done.size:
            raise BadFileError("The file changed while it was written.")
        verify(done.part.path, export.format, length_known=done.length_known)
        claim.check()
        path = done.part.publish(export.team_id, export.pk, export.format)
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
                content_type=CONTENT_TYPES.get(export.format, "application/octet-stream"),
                path=path,
                verified_at=now,
            )
            kept = Team.objects.filter(pk=export.team_id)
            kept.update(kept_bytes=F("kept_bytes") + done.size, kept_files=F("kept_files") + 1)
            note = f"Fetched and verified: {done.size} bytes."
            succeed(claim, source="worker", note=note, file=file, consecutive_failures=0, last_error_code="")
    except (OperationalError, InterfaceError):
        raise  # the commit may have happened: the file stays, and is swept if no row names it
    except BaseException:
        files.delete_file(path)
        raise
    files.delete_siblings(path)


def file_name(claim: Claim) -> str:
    """The file name that people see: project, type, number."""
    export = claim.export
    project = slugify(export.project.name)[:80] or slugify(export.project.remote_id)[:80] or "project"
    return f"{project}-{export.type}-{export.pk}.{export.format}"

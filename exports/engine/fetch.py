"""Fetching the file: streamed, hashed, resumed after a break, verified, then visible at once."""

import errno
import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.text import slugify

from exports import states
from exports.engine import clock, store
from exports.engine.claim import Claim, LostClaimError
from exports.engine.connect import as_row, connect, guard, job_fields, with_fresh_token
from exports.engine.outcome import fail, postpone
from exports.engine.trouble import meet
from exports.engine.verify import CONTENT_TYPES, BadFileError, verify
from exports.models import Call, File
from exports.providers.base import Job
from exports.providers.errors import BusyError, NotSentError, ProviderError, UnclearError
from exports.providers.http import CallRecord, pause_seconds
from exports.providers.links import Link, open_link

PIECE: Final = 1024 * 1024
# Every other 4xx says that the link is dead (expired ones are answered 400, 401, 403, 404, 410).
ALIVE: Final = frozenset({408, 416, 425, 429})
MOST_WITHOUT_GROWTH: Final = 6
STORAGE_SECONDS: Final = 15.0
ROOM_BYTES: Final = 32 * PIECE
# A body that trickles slower than this over STALL_SECONDS is cut and resumed.
STALL_SECONDS: Final = 60.0
STALL_BYTES: Final = 1024


class DeadLinkError(Exception):
    """The link no longer opens the file."""


class StorageError(Exception):
    """Our own disk refuses."""


class TooLargeError(Exception):
    """More than the portal keeps."""


@dataclass
class Progress:
    """The bytes so far and their hash."""

    part: store.Part
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    told: bool = True


def fetch(claim: Claim) -> None:
    """Fetches until the file is whole, then verifies and keeps it. Raises as `advance` expects."""
    export = claim.export
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(as_row(call, export, None))

    try:
        part = store.Part.take_over(export.pk, claim.fence)
    except OSError as error:
        postpone(claim, STORAGE_SECONDS, f"The disk refuses ({error.strerror}).", trouble="storage")
        return
    before = part.size
    try:
        try:
            done = _download(claim, part, export.link(), record)
        except DeadLinkError:
            done = _download(claim, part, _fresh_link(claim), record)
        _keep(claim, done)
    except DeadLinkError as error:
        part.drop()
        fail(claim, "no_file", f"The provider says the job is done, but its link is dead ({error}).", source="worker")
    except BadFileError as error:
        _refuse(claim, part, str(error))
    except TooLargeError as error:
        part.drop()
        fail(claim, "too_large", str(error), source="worker")
    except (StorageError, OSError) as error:
        why = error.strerror or "it refuses" if isinstance(error, OSError) else str(error)
        postpone(claim, STORAGE_SECONDS, f"The disk: {why} It goes on as soon as it can.", trouble="storage")
    except BusyError as error:
        meet(claim, error, rate_class="normal")
    except (UnclearError, NotSentError) as error:
        if error.code == "address":
            part.drop()
            meet(claim, error)
        else:
            _again(claim, part, before, error)
    except LostClaimError:
        export.refresh_from_db(fields=["status"])
        if not export.is_open:
            part.drop()
        raise
    finally:
        Call.objects.bulk_create(calls)


def _download(claim: Claim, part: store.Part, link: str, record: Any) -> Progress:
    """The whole file as a part. Raises DeadLinkError, StorageError, TooLargeError, ProviderError, LostClaimError."""
    progress = Progress(part)
    said = part.said()
    headers: dict[str, str] = {}
    if part.size and said.get("validator"):
        _rehash(claim, progress)
        headers = {"Range": f"bytes={progress.size}-", "If-Range": said["validator"]}
        if said.get("total") == progress.size:
            return progress
    with open_link(link, guard(), headers, record) as opened:
        if 400 <= opened.status < 500 and opened.status not in ALIVE:
            raise DeadLinkError(f"answered {opened.status}")
        if opened.status == 416 and headers:
            part.drop()
            raise UnclearError("The file's host no longer has the rest of the file; it is fetched anew.")
        if opened.status == 429:
            raise BusyError("The file's host asks for a pause.", seconds=pause_seconds(opened.headers))
        if opened.status not in (200, 206):
            raise UnclearError(f"The file's host answered {opened.status}.", word=str(opened.status))
        if opened.status == 200 or not _continues(opened, progress.size, said):
            if opened.status == 206:
                part.drop()
                raise UnclearError("The file's host sent another piece than was asked for.")
            progress = Progress(part)
        return _receive(claim, progress, opened)


def _continues(opened: Link, size: int, said: Mapping[str, Any]) -> bool:
    """Whether a 206 begins where our bytes end (RFC 9110 §14.4) and is of the same file: some hosts ignore If-Range."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", opened.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != size:
        return False
    same_size = match[3] == "*" or said.get("total") in (None, int(match[3]))
    return same_size and _validator(opened) in ("", said["validator"])


def _receive(claim: Claim, progress: Progress, opened: Link) -> Progress:
    total = _total(opened, progress.size)
    if total is not None and total > settings.MAX_FILE_BYTES:
        raise TooLargeError(f"The file has {total} bytes; the portal keeps at most {settings.MAX_FILE_BYTES}.")
    encoded = bool(opened.headers.get("Content-Encoding"))
    mark, roomy = (time.monotonic(), progress.size), progress.size
    try:
        with progress.part.path.open("ab" if progress.size else "wb") as file:
            store.hold(file)
            claim.check()
            progress.part.note({"validator": "" if encoded else _validator(opened), "total": total})
            for piece in opened.chunks(PIECE):
                claim.check()
                if clock.now() >= claim.export.deadline_at:
                    raise UnclearError("The deadline came in the middle of the download.")
                if progress.size >= roomy:
                    roomy = _check_room(progress.size, total)
                file.write(piece)
                progress.sha256.update(piece)
                progress.size += len(piece)
                if progress.size > settings.MAX_FILE_BYTES:
                    raise TooLargeError(f"The file is larger than {settings.MAX_FILE_BYTES} bytes.")
                if time.monotonic() > mark[0] + STALL_SECONDS:
                    if progress.size < mark[1] + STALL_BYTES:
                        raise UnclearError("The download stalled.")
                    mark = time.monotonic(), progress.size
    except OSError as error:
        if error.errno == errno.ENOSPC:
            progress.part.shrink()
        raise
    progress.told = opened.tells_its_end
    if total is not None and progress.size < total:
        raise UnclearError(f"The download was cut off after {progress.size} of {total} bytes.")
    if total is not None and progress.size > total:
        progress.part.drop()
        raise UnclearError("The file's host sent more than it announced.")
    return progress


def _validator(opened: Link) -> str:
    """What proves that the rest belongs to the same file: a strong tag, or else a date (RFC 9110 §13.1.5)."""
    etag = str(opened.headers.get("ETag", ""))
    return etag if etag and not etag.startswith("W/") else str(opened.headers.get("Last-Modified", ""))


def _check_room(size: int, total: int | None) -> int:
    """The size at which to look again. Raises StorageError: a full disk would stop the database too."""
    if not store.room(0 if total is None else total - size):
        raise StorageError("There is no room on the disk for the file.")
    return size + ROOM_BYTES


def _total(opened: Link, have: int) -> int | None:
    """Size of the whole file by the headers, None where they do not say."""
    if opened.headers.get("Content-Encoding"):
        return None
    if opened.status == 206:
        said = opened.headers.get("Content-Range", "").rpartition("/")[2]
        return int(said) if said.isdigit() else None
    length = opened.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _rehash(claim: Claim, progress: Progress) -> None:
    """Reads again what is on disk already: the hash must be of the bytes that are really there."""
    with progress.part.path.open("rb") as file:
        while chunk := file.read(PIECE):
            claim.check()
            progress.sha256.update(chunk)
            progress.size += len(chunk)


def _fresh_link(claim: Claim) -> str:
    """Asks the provider once for a link that lives. Raises DeadLinkError, ProviderError."""
    export = claim.export
    with connect(export.project.credential, export) as client:
        job = Job(**job_fields(export))
        sight = with_fresh_token(client, lambda: client.provider.poll(client, job))
    if sight.state != "done" or not sight.link:
        raise DeadLinkError("and the provider names no other")
    claim.write(sealed_link=export.sealed(sight.link))
    return sight.link


def _again(claim: Claim, part: store.Part, before: int, error: ProviderError) -> None:
    """The download broke: goes on later from the bytes that are here; six breaks without growth are a bad file."""
    export = claim.export
    most = max(before, export.most_bytes)
    grown = part.size > most
    misses = 0 if grown else export.misses + 1
    got_some = part.size > 0
    if got_some and misses >= MOST_WITHOUT_GROWTH:
        _refuse(claim, part, f"{error.message} It broke at the same place {misses} times.")
        return
    seconds = clock.backoff(misses, first=0.5, most=5.0 if got_some else 120.0)
    postpone(claim, seconds, error.message, misses=misses, most_bytes=max(part.size, most), trouble="fetch")


def _refuse(claim: Claim, part: store.Part, why: str) -> None:
    """The bytes are no good: once more from the start with a fresh link, then it is a bad file."""
    export = claim.export
    part.drop()
    if export.refetches:
        fail(claim, "bad_file", f"The file is not usable, twice. {why}", source="worker")
        return
    with suppress(DeadLinkError):
        _fresh_link(claim)
    postpone(claim, 1.0, f"{why} It is fetched once more.", refetches=1, misses=0, most_bytes=0)


def _keep(claim: Claim, done: Progress) -> None:
    """Verifies the part and makes it visible together with the success, or not at all."""
    export = claim.export
    try:
        if done.part.size != done.size:
            raise BadFileError("The file changed while it was written.")
        verify(done.part.path, export.format, told=done.told)
        claim.check()
        path = done.part.keep(export.team_id, export.pk, export.format)
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
            note = f"Fetched and verified: {done.size} bytes."
            fields: dict[str, Any] = {"file": file, "progress": 100.0, "misses": 0, "trouble": ""}
            if not export.move(states.SUCCEEDED, source="worker", note=note, fence=claim.fence, **fields):
                raise LostClaimError
    except (OperationalError, InterfaceError):
        raise  # the commit may have happened: the file stays, and is swept if no row knows it
    except BaseException:
        store.remove(path)
        raise
    store.only(path)


def file_name(claim: Claim) -> str:
    """The name people see: project, kind, number."""
    export = claim.export
    project = slugify(export.project.name)[:80] or slugify(export.project.remote_id)[:80] or "project"
    return f"{project}-{export.type}-{export.pk}.{export.format}"

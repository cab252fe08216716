"""The database or the object store does not answer: 503 with Retry-After, and reads go on where they can."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.defaults import server_error

from exports.storage.bucket.errors import BucketError

log = logging.getLogger(__name__)

STATUS: Final = 503
RETRY_SECONDS: Final = 5
SENTENCE: Final = (
    "The database is busy, for example with a backup. Nothing is lost: send"
    f" the request again in {RETRY_SECONDS} seconds."
)
# After a write that could be done without had to be left out, for how long none is tried.
PAUSE_SECONDS: Final = 30.0
INSTANT_MILLISECONDS: Final = 250
_paused_until = 0.0


class UnavailableError(Exception):
    """What was asked for cannot be had now: 503 with Retry-After. The text is for a person."""


def check_room_for_download(request: HttpRequest) -> None:
    """Raises UnavailableError where as many clients take their time as this process has room for.

    `exports.turns` is of the web worker (`exports.supervisor.web_worker`); other servers set none.
    """
    turns = request.META.get("exports.turns")
    if turns is not None and turns.is_full:
        raise UnavailableError(_("Too many files are being downloaded at once."))


def is_database_away(error: BaseException | None) -> bool:
    """Whether the error says that the database cannot be used now, as opposed to a mistake in a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite reports a missing table or column as an operational error, too.
    return not str(error).startswith(("no such", "near "))


def server_failed(request: HttpRequest) -> HttpResponse:
    """The page for an error that nothing else answers: 503 where the database or the object store is away, else 500."""
    error = sys.exc_info()[1]
    if not is_database_away(error) and not isinstance(error, BucketError | UnavailableError):
        return server_error(request)
    reason = type(error).__name__
    log.warning("%s %s was answered with 503 (%s).", request.method, request.path, reason)
    sentence = own_sentence(error)
    response = render(request, "503.html", {"seconds": RETRY_SECONDS, "sentence": sentence}, status=STATUS)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def own_sentence(error: BaseException | None) -> str:
    """Returns what an error that is answered with 503 says of itself; "" for the database's."""
    match error:
        case BucketError():
            return str(error.strerror)
        case UnavailableError():
            return str(error)
    return ""


def try_to_write(write: Callable[[], object]) -> bool:
    """Does a write that a read brings along, such as when a token was last used. False where it was left out.

    While another program holds the database it is left out at once, so that reads go on. Not for transactions.
    """
    global _paused_until
    if time.monotonic() < _paused_until:
        return False
    try:
        with _without_waiting():
            write()
    except OperationalError as error:
        if not is_database_away(error):
            raise
        _paused_until = time.monotonic() + PAUSE_SECONDS
        return False
    return True


@contextlib.contextmanager
def _without_waiting() -> Iterator[None]:
    """In this block a write waits for an instant only for others that hold the row, or with SQLite the database."""
    if connection.vendor != "sqlite":
        # In a transaction of its own, so that it also holds behind a pooler, and ends with it.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {INSTANT_MILLISECONDS}")
            yield
        return
    with connection.cursor() as cursor:
        milliseconds = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {INSTANT_MILLISECONDS}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")

"""The database is held by another program or does not answer: 503 with Retry-After, and reads go on where they can."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import server_error

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5
SENTENCE: Final = (
    "The portal's database cannot be used at the moment, for example because a backup holds it. Nothing is lost: send"
    f" the request again in {RETRY_SECONDS} seconds."
)
# After a write that could be done without had to be left out, for how long none is tried.
PAUSE_SECONDS: Final = 30.0
INSTANT_MILLISECONDS: Final = 250
_paused_until = 0.0


def is_database_away(error: BaseException | None) -> bool:
    """Whether the error says that the database cannot be used now, as opposed to a mistake in a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite reports a missing table or column as an operational error, too.
    return not str(error).startswith(("no such", "near "))


def server_failed(request: HttpRequest) -> HttpResponse:
    """The URLconf's `handler500`: 503 where the database is away, else 500."""
    if not is_database_away(sys.exc_info()[1]):
        return server_error(request)
    log.warning("The database cannot be used; %s %s was answered with 503.", request.method, request.path)
    response = render(request, "503.html", {"seconds": RETRY_SECONDS}, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


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
    """SQLite's writers wait for each other; in this block they do so for an instant only."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        milliseconds = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {INSTANT_MILLISECONDS}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")

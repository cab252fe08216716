"""The database backend: Django's own, and a process that waits for the database gives up in time.

PostgreSQL itself ends a statement or a wait for a lock (`statement_timeout`, `lock_timeout`), and a transaction in
which nothing happens (`idle_in_transaction_session_timeout`), where it is asked to when a connection is made. pgbouncer
refuses that, and a server that stands still ends nothing; so the client has a limit of its own for each answer.
"""

import contextlib
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg import errors

log = logging.getLogger(__name__)

# For the question whether a kept connection still answers, and for the request to end a statement.
HEALTH_SECONDS: Final = 2.0
CANCEL_SECONDS: Final = 1.0
# How much longer the client waits than the server, which gives the better reason.
MARGIN_SECONDS: Final = 2.0
REFUSED: Final = "unsupported startup parameter"


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which no answer takes more than `seconds`; None: as long as it takes."""

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's. Raises OperationalError, and closes the connection, where the answer does not come in time."""
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except errors._WaitTimeout:
            # Else the server would go on with it, or wait for its lock, for nobody.
            with contextlib.suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_SECONDS)
            self.close()
            raise psycopg.OperationalError(f"The database did not answer within {self.seconds} s") from None

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """In this block an answer may take so long, where that is less."""
        before = self.seconds
        self.seconds = None if before is None else min(before, seconds)
        try:
            yield
        finally:
            self.seconds = before


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with the limits in `settings_dict["LIMITS"]`: the server's parameters, in seconds; none by default."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": BoundedConnection.connect})  # type: ignore[assignment]
    takes_parameters = True

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection with its limits. Raises OperationalError."""
        limits: dict[str, int] = self.settings_dict.get("LIMITS", {})
        connection = self._connect(conn_params, limits) if limits else super().get_new_connection(conn_params)
        if statement := limits.get("statement_timeout"):
            connection.seconds = statement + (MARGIN_SECONDS if self.takes_parameters else 0)
        return connection

    def _connect(self, conn_params: dict[str, Any], limits: dict[str, int]) -> Any:
        if self.takes_parameters:
            given = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
            options = f"{conn_params.get('options', '')} {given}".strip()
            try:
                return super().get_new_connection({**conn_params, "options": options})
            except psycopg.OperationalError as error:
                if REFUSED not in str(error):
                    raise
            DatabaseWrapper.takes_parameters = False
            log.info("A pooler stands before the database, so limits of time are kept on this side alone.")
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Whether the connection still answers, and soon."""
        if not isinstance(self.connection, BoundedConnection):
            return super().is_usable()
        with self.connection.within(HEALTH_SECONDS):
            return super().is_usable()

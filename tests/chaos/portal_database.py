"""The portal's own books, read straight from its database: the judge of a storm must not go through the judged."""

import contextlib
import sqlite3
import time
from typing import Any

import psycopg

from tests.helpers.installation import Installation


class PortalDatabase:
    """Reads; waits where the database is just being restarted."""

    def __init__(self, portal: Installation) -> None:
        self.address = portal.environment.get("DATABASE_URL", "").replace("postgres://", "postgresql://")
        self.path = portal.folder / "var" / "portal.sqlite3"

    def rows(self, statement: str) -> list[Any]:
        """The rows of a statement. Raises the database's own error when it stays away for a minute."""
        ends = time.monotonic() + 60
        while True:
            try:
                return self._rows(statement)
            except (psycopg.OperationalError, sqlite3.OperationalError):
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def _rows(self, statement: str) -> list[Any]:
        if self.address:
            with psycopg.connect(self.address, connect_timeout=5) as connection:
                return connection.execute(statement.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as file:
            return file.execute(statement).fetchall()

    def open(self) -> int:
        """Exports that have not ended."""
        return int(self.rows("SELECT count(*) FROM exports_export WHERE next_step_at IS NOT NULL")[0][0])

    def leased(self) -> int:
        """Exports whose step is in some worker's hands."""
        return int(self.rows("SELECT count(*) FROM exports_export WHERE held_until IS NOT NULL")[0][0])

    def exports(self) -> dict[int, dict[str, Any]]:
        """Every export: its project, status, error, format, its file's hash, and the job's id."""
        found = self.rows(
            "SELECT e.id, e.project_id, e.status, e.error_code, e.error_message, e.format, f.sha256, e.remote_id"
            " FROM exports_export e LEFT JOIN exports_file f ON f.id = e.file_id"
        )
        names = ("project", "status", "error", "message", "format", "sha256", "remote_id")
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in found}

    def histories(self) -> dict[int, list[tuple[str | None, str]]]:
        """Of every export, from and to of each row in order."""
        found: dict[int, list[tuple[str | None, str]]] = {}
        for export, before, after in self.rows(
            "SELECT export_id, from_status, to_status FROM exports_change ORDER BY export_id, seq"
        ):
            found.setdefault(export, []).append((before, after))
        return found

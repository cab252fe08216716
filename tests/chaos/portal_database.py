"""Reads the portal's database directly, so that the checks of a storm do not depend on the code they check."""

import contextlib
import sqlite3
import time
from typing import Any

import psycopg

from tests.helpers.installation import Installation


class PortalDatabase:
    """The portal's database, read only. Reads are repeated while the database is being restarted."""

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

    def resumed_after(self, events: list[tuple[str, float]]) -> dict[str, float]:
        """For each sort of event the longest time until a provider was called next, in seconds."""
        if not self.address:
            return {}
        times = [
            float(row[0]) + float(row[1])
            for row in self.rows(
                "SELECT extract(epoch FROM at), seconds FROM exports_call WHERE export_id IS NOT NULL ORDER BY at"
            )
        ]
        longest: dict[str, float] = {}
        for name, at in events:
            after = next((called - at for called in times if called > at), None)
            if after is not None:
                longest[name] = max(longest.get(name, 0.0), round(after, 1))
        return longest

    def open(self) -> int:
        """The number of exports that have not ended."""
        return int(self.rows("SELECT count(*) FROM exports_export WHERE next_step_at IS NOT NULL")[0][0])

    def leased(self) -> int:
        """The number of exports whose step is reserved or under way."""
        return int(self.rows("SELECT count(*) FROM exports_export WHERE held_until IS NOT NULL")[0][0])

    def exports(self) -> dict[int, dict[str, Any]]:
        """Every export: project, status, error, format, its file's hash, the job's id, whether it may ask again."""
        exports = self.rows(
            "SELECT e.id, e.project_id, e.status, e.error_code, e.error_message, e.format, f.sha256, e.remote_id,"
            " e.may_ask_again FROM exports_export e LEFT JOIN exports_file f ON f.id = e.file_id"
        )
        names = ("project", "status", "error", "message", "format", "sha256", "remote_id", "may_ask_again")
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in exports}

    def histories(self) -> dict[int, list[tuple[str | None, str]]]:
        """For every export, (from, to) of each history row in order."""
        histories: dict[int, list[tuple[str | None, str]]] = {}
        for export, before, after in self.rows(
            "SELECT export_id, from_status, to_status FROM exports_change ORDER BY export_id, seq"
        ):
            histories.setdefault(export, []).append((before, after))
        return histories

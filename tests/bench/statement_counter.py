"""Counts the statements that processes send to PostgreSQL: each writes one byte to a file that all of them append to.

It counts at psycopg's cursors, so what goes past Django's is counted as well; BEGIN and COMMIT are not.
"""

import os
from collections.abc import Callable
from typing import Any, Final

VARIABLE: Final = "BENCH_STATEMENTS"


def install() -> None:
    """Starts counting where BENCH_STATEMENTS names the file; called by the settings, before any connection."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    import psycopg

    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for cursor in (psycopg.Cursor, psycopg.ServerCursor):
        for name in ("execute", "executemany"):
            setattr(cursor, name, _counted(getattr(cursor, name), descriptor))


def _counted(method: Callable[..., Any], descriptor: int) -> Callable[..., Any]:
    def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        os.write(descriptor, b".")
        return method(self, *args, **kwargs)

    return count

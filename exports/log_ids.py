"""Which request, task, export and credential a line of the log is about."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

NO_IDS: Final[Mapping[str, str | int]] = MappingProxyType({})
_ids: ContextVar[Mapping[str, str | int]] = ContextVar("log_ids", default=NO_IDS)


@contextmanager
def bound(**ids: str | int) -> Iterator[None]:
    """Adds ids to what this thread logs while the block runs: `bound(export=12, task="…")`."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def is_bound() -> bool:
    """Whether this thread works on a request or a task; commands do not."""
    return bool(_ids.get())


def begin(**ids: str | int) -> None:
    """Replaces the ids of this thread until the next `begin`: Django logs what failed after the last middleware."""
    _ids.set(ids)


class IdsFilter(logging.Filter):
    """Keeps the ids in each record as `ids`, since a handler may format it in another thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Sets `record.ids`; always True, so every record is logged."""
        record.ids = _ids.get()
        return True

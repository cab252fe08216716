"""Asking a provider while somebody waits for a page: never so many at once that pages have nobody left to answer them.

A provider may take minutes for an answer, or be somebody's own host that never gives one; each such call holds one of
the few threads of the web process.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exports.transport.errors import BusyError

# In each process, which has eight threads (see exports.supervisor.plan). A page asks for three things at once at most.
MAX_CALLS: Final = 6
MAX_CALLS_PER_TEAM: Final = 4

_lock = threading.Lock()
_asking: Counter[int] = Counter()


@contextmanager
def provider_call_slot(team_id: int) -> Iterator[None]:
    """Around a call that somebody waits for. Raises BusyError when the team, or all together, wait for enough."""
    with _lock:
        if _asking[team_id] >= MAX_CALLS_PER_TEAM or _asking.total() >= MAX_CALLS:
            raise BusyError(
                "The portal waits for several answers of providers already. Try again in a moment.", seconds=5
            )
        _asking[team_id] += 1
    try:
        yield
    finally:
        with _lock:
            _asking[team_id] -= 1
            if not _asking[team_id]:
                del _asking[team_id]

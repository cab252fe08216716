"""The bulkhead for provider calls made within a web request: it bounds how many run at once.

A provider may take minutes to answer, or be a user's own host that never answers. Each such call occupies one of the
few threads of the web process, so without a bound no thread would be left for other pages.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exports.transport.errors import BusyError

# Per process, which has eight threads (see exports.supervisor.plan). One page makes at most three calls at once.
MAX_CALLS: Final = 6
MAX_CALLS_PER_TEAM: Final = 4

_lock = threading.Lock()
_calls_by_team: Counter[int] = Counter()


@contextmanager
def provider_call_slot(team_id: int) -> Iterator[None]:
    """Holds a slot during a call. Raises BusyError when the team, or all teams together, have no slot left."""
    with _lock:
        if _calls_by_team[team_id] >= MAX_CALLS_PER_TEAM or _calls_by_team.total() >= MAX_CALLS:
            raise BusyError("Too many lookups at once. Try again in a moment.", seconds=5)
        _calls_by_team[team_id] += 1
    try:
        yield
    finally:
        with _lock:
            _calls_by_team[team_id] -= 1
            if not _calls_by_team[team_id]:
                del _calls_by_team[team_id]

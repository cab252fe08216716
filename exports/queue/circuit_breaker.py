"""A provider that does not answer: after failures of several exports in a row its origin rests, and one asks for all.

Without it a thousand exports would each wait out their own time-out. The row is shared by all workers; what leads to
it is counted in each process.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from exports import clock
from exports.models import OpenCircuit
from exports.queue.batch_sql import settle_many
from exports.queue.leases import Claim
from exports.transport.client import CallRecord

# So many exports in a row, none of which was answered, and no answer to another in between.
FAILURE_THRESHOLD: Final = 5
FIRST_OPEN_SECONDS: Final = 5.0
MAX_OPEN_SECONDS: Final = 60.0
# For so long one export alone tries whether the provider answers again.
PROBE_SECONDS: Final = 20.0

_unanswered: dict[str, set[int]] = {}
# The export of this process that tries for all, by origin.
_probing: dict[str, int] = {}
_lock = threading.Lock()


def record_outcomes(calls: Iterable[tuple[str, int, CallRecord]]) -> None:
    """Takes in who answered and who did not: (origin, export or 0, call) in the order they ended."""
    answered: set[str] = set()
    down: dict[str, str] = {}
    tried: set[str] = set()
    with _lock:
        for origin, export_id, call in calls:
            if _probing.get(origin) == export_id:
                tried.add(origin)
                del _probing[origin]
            if call.unreachable:
                _unanswered.setdefault(origin, set()).add(export_id)
                answered.discard(origin)
                if len(_unanswered[origin]) >= FAILURE_THRESHOLD:
                    down[origin] = call.error or f"It answers {call.status}."
            else:
                _unanswered.pop(origin, None)
                answered.add(origin)
                down.pop(origin, None)
    for origin, reason in down.items():
        _begin(origin, reason, again=origin in tried)
    if answered:
        OpenCircuit.objects.filter(origin__in=answered).delete()


def _begin(origin: str, reason: str, *, again: bool) -> None:
    """Lets the origin rest; longer where the one that tried for all (`again`) was not answered either.

    What was under way when the rest began fails a little later, and says nothing new.
    """
    now = clock.now()
    row, made = OpenCircuit.objects.get_or_create(
        origin=origin,
        defaults={"since": now, "until": clock.seconds_from_now(FIRST_OPEN_SECONDS), "reason": reason[:300]},
    )
    if again and not made:
        seconds = min(FIRST_OPEN_SECONDS * 2.0**row.trip_count, MAX_OPEN_SECONDS)
        rows = OpenCircuit.objects.filter(pk=row.pk, trip_count=row.trip_count)
        rows.update(until=clock.seconds_from_now(seconds), trip_count=row.trip_count + 1, reason=reason[:300])


def admit_claims(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose provider answers, and one for each that may try again. The others were put off."""
    origins = {claim.export.project.credential.origin_url for claim in claims}
    resting = {row.origin: row for row in OpenCircuit.objects.filter(origin__in=origins)}
    if not resting:
        return list(claims)
    now = clock.now()
    let: list[Claim] = []
    put_off: list[tuple[Claim, dict[str, Any]]] = []
    for claim in claims:
        row = resting.get(claim.export.project.credential.origin_url)
        if row is None or _may_try(row, claim.export.pk):
            let.append(claim)
            continue
        label = claim.export.project.credential.provider_definition.label
        seconds = max((row.until - now).total_seconds(), 0.0) + clock.with_jitter(1.0)
        note = f"{label} has not answered since {row.since:%H:%M} UTC. One export tries again for all. {row.reason}"
        at = min(clock.seconds_from_now(seconds), max(claim.export.deadline_at, now))
        put_off.append((claim, {"rate_slot": None, "next_step_at": at, "wait_note": note[:300]}))
    settle_many([claim for claim, _ in put_off], [row for _, row in put_off])
    return let


def _may_try(row: OpenCircuit, export_id: int) -> bool:
    """Whether this is the one that tries: it moves the end of the rest ahead, so that no other does meanwhile."""
    now = clock.now()
    if row.until > now:
        return False
    until = clock.seconds_from_now(PROBE_SECONDS)
    first = OpenCircuit.objects.filter(pk=row.pk, until=row.until).update(until=until)
    if first:
        with _lock:
            _probing[row.origin] = export_id
    row.until = clock.seconds_from_now(2.0)  # the others look again soon: an answer comes within a second or two
    return bool(first)

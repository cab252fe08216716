"""Circuit breaker: an origin that several exports in a row could not reach is left alone, then probed by one export.

Without it each of a thousand exports would wait for its own time-out. The circuit's row is shared by all workers; the
failures that open it are counted in each process.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from exports import clock
from exports.models import OpenCircuit
from exports.queue.batch_sql import settle_many
from exports.queue.leases import Claim
from exports.transport.client import CallRecord

# The circuit opens when calls of this many exports were not answered, without an answered call in between.
FAILURE_THRESHOLD: Final = 5
FIRST_OPEN_SECONDS: Final = 5.0
MAX_OPEN_SECONDS: Final = 60.0
# For this long no second export probes whether the provider answers again.
PROBE_SECONDS: Final = 20.0

_unanswered: dict[str, set[int]] = {}
# By origin, the export of this process that probes it.
_probing: dict[str, int] = {}
# Origins whose circuit this process has seen open, so that an answer from any other origin needs no DELETE.
_known_open: set[str] = set()
_lock = threading.Lock()


def record_outcomes(calls: Iterable[tuple[str, int, CallRecord]]) -> None:
    """Opens and closes circuits according to which calls were answered.

    `calls`: (origin, export id or 0, call), in the order in which they ended.
    """
    answered: set[str] = set()
    down: dict[str, str] = {}
    probed: set[str] = set()
    with _lock:
        for origin, export_id, call in calls:
            if _probing.get(origin) == export_id:
                probed.add(origin)
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
        known_open = answered & _known_open
        _known_open.difference_update(known_open)
        _known_open.update(down)
    for origin, reason in down.items():
        _open(origin, reason, probe_failed=origin in probed)
    if known_open:
        OpenCircuit.objects.filter(origin__in=known_open).delete()


def _open(origin: str, reason: str, *, probe_failed: bool) -> None:
    """Opens the origin's circuit, or keeps it open for longer when its probe was not answered either.

    Calls that were under way when it opened fail a little later and do not prolong it.
    """
    now = clock.now()
    row, created = OpenCircuit.objects.get_or_create(
        origin=origin,
        defaults={"since": now, "until": clock.seconds_from_now(FIRST_OPEN_SECONDS), "reason": reason[:300]},
    )
    if probe_failed and not created:
        seconds = min(FIRST_OPEN_SECONDS * 2.0**row.trip_count, MAX_OPEN_SECONDS)
        rows = OpenCircuit.objects.filter(pk=row.pk, trip_count=row.trip_count)
        rows.update(until=clock.seconds_from_now(seconds), trip_count=row.trip_count + 1, reason=reason[:300])


def admit_claims(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose origin may be called: of an open circuit at most the one that probes. Postpones the others."""
    if not (_known_open or any(claim.seen_at_begin.open_circuit for claim in claims)):
        return list(claims)
    origins = {claim.export.project.credential.origin_url for claim in claims}
    open_circuits = {row.origin: row for row in OpenCircuit.objects.filter(origin__in=origins)}
    if not open_circuits:
        return list(claims)
    with _lock:
        _known_open.update(open_circuits)
    now = clock.now()
    admitted: list[Claim] = []
    postponed: list[tuple[Claim, dict[str, Any]]] = []
    for claim in claims:
        row = open_circuits.get(claim.export.project.credential.origin_url)
        if row is None or _may_probe(row, claim.export.pk):
            admitted.append(claim)
            continue
        label = claim.export.project.credential.provider_definition.label
        seconds = max((row.until - now).total_seconds(), 0.0) + clock.with_jitter(1.0)
        note = f"{label} has not answered since {row.since:%H:%M} UTC. One export tries again for all. {row.reason}"
        at = min(clock.seconds_from_now(seconds), max(claim.export.deadline_at, now))
        postponed.append((claim, {"rate_slot": None, "next_step_at": at, "wait_note": note[:300]}))
    settle_many([claim for claim, _ in postponed], [row for _, row in postponed])
    return admitted


def _may_probe(row: OpenCircuit, export_id: int) -> bool:
    """Whether this export probes. It moves `until` ahead by PROBE_SECONDS, so that no other probes meanwhile."""
    now = clock.now()
    if row.until > now:
        return False
    until = clock.seconds_from_now(PROBE_SECONDS)
    is_probe = OpenCircuit.objects.filter(pk=row.pk, until=row.until).update(until=until)
    if is_probe:
        with _lock:
            _probing[row.origin] = export_id
    row.until = clock.seconds_from_now(2.0)  # the others are due again soon: an answer comes within a second or two
    return bool(is_probe)

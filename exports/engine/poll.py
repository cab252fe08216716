"""Looking at a job that runs at the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from exports import states
from exports.engine import clock, outage, wake
from exports.engine.budget import Use, admit_many, heed
from exports.engine.claim import Claim, LostClaimError
from exports.engine.connect import client_of, job_fields, keep_calls, with_fresh_token
from exports.engine.many import settle_many
from exports.engine.outcome import fail, settle_next, witness
from exports.engine.trouble import meet
from exports.models import Export, Notice
from exports.models.notice import RELAY, host_of, recipient_key
from exports.providers.base import Job, Sight
from exports.providers.errors import ProviderError, UnclearError
from exports.providers.http import CallRecord

# An answer that takes longer than this beside others is waited for in a message of its own.
PATIENCE_SECONDS = 8.0
FETCH_SECONDS = 12 * 3600.0
LOOKS_WITHOUT_FILE = 3
# Of the pace: how late a look may be and the next one still keep to the plan.
LITTLE = 0.2


@dataclass
class Look:
    """One look at a job as it came back from the network: what was seen, or what went wrong.

    `slow`: the answer took longer than PATIENCE_SECONDS, or was not waited for longer than that.
    """

    claim: Claim
    ticket: int | None
    asked_at: datetime
    sight: Sight | None = None
    error: Exception | None = None
    calls: list[CallRecord] = field(default_factory=list)
    head: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    def result(self) -> Sight:
        """What was seen. Raises what went wrong."""
        if self.sight is None:
            raise self.error or RuntimeError("A look that brought nothing.")
        return self.sight


def poll(claim: Claim) -> None:
    """One look, and what follows from it."""
    for one in may_look([claim]):
        for look in write_unchanged([look_at(one)]):
            finish(look)
    if claim.lost:
        raise LostClaimError


def may_look(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose jobs may be looked at now. The others were put off, for a limit or because nobody answers."""
    return admit_many(outage.rest(claims), "normal")


def look_at(claim: Claim, patience: float | None = None) -> Look:
    """Asks the provider. Never raises, and needs no database but for a token.

    `patience`: seconds that a call may take at most, None for as long as the provider's limits allow.
    """
    export = claim.export
    look = Look(claim, export.ticket, clock.now())
    begun = clock.ticks()
    try:
        client = client_of(export.project.credential, look.calls.append)
        client.patience = patience
        try:
            job = Job(**job_fields(export))
            look.sight = with_fresh_token(client, lambda: client.provider.poll(client, job))
        finally:
            look.head = client.head
    except Exception as error:
        look.error = error
    look.slow = clock.ticks() - begun >= PATIENCE_SECONDS
    return look


def write_unchanged(looks: Sequence[Look]) -> list[Look]:
    """Writes the calls of these looks, and the looks that changed nothing, all at once. Returns the others."""
    same = [look for look in looks if look.sight is not None and _is_unchanged(look.claim.export, look.sight)]
    pairs = [(look.claim.export, look) for look in looks]
    with transaction.atomic():
        keep_calls([(export, export.project.credential, call) for export, look in pairs for call in look.calls])
        heed([Use(one, "normal", look.ticket, len(look.calls), look.head, look.claim.drawn) for one, look in pairs])
        settle_many([look.claim for look in same], [_unchanged(look.claim.export, look) for look in same])
    settled = {id(look) for look in same}
    return [look for look in looks if id(look) not in settled]


def finish(look: Look) -> None:
    """Writes what follows from a look that changed something. Raises as `advance` expects."""
    try:
        sight = look.result()
    except ProviderError as error:
        slow = {"polls_alone": True} if look.slow and isinstance(error, UnclearError) else {}
        meet(look.claim, error, rate_class="normal", **slow)
    else:
        see(look.claim, sight, source="poll", asked_at=look.asked_at, polls_alone=look.slow)


def _is_unchanged(export: Export, sight: Sight) -> bool:
    return (
        export.status == states.PROCESSING
        and sight.state in ("running", "unknown")
        and sight.word[:200] == export.provider_status
        and list(sight.messages) in ([], export.messages)
        and (sight.memo is None or dict(sight.memo) == export.memo)
        and not (export.kind.relay and export.options.get(export.kind.relay))
    )


def _unchanged(export: Export, look: Look) -> dict[str, Any]:
    return {
        **_seen(export, look.result()),
        "next_step_at": _next_look(export, look.asked_at),
        "polls_alone": look.slow,
    }


def _seen(export: Export, sight: Sight) -> dict[str, Any]:
    """What every look that was answered sets."""
    return {
        "progress": export.progress if sight.progress is None else min(max(sight.progress, 0.0), 100.0),
        "misses": 0,
        "unreadable": 0,
        "polls": export.polls + 1,
        "trouble": "",
        "wait_note": "",
        "ticket": None,
    }


def _next_look(export: Export, asked_at: datetime) -> datetime:
    """The pace runs from planned time to planned time, so that a little lateness does not add up; from the question
    where that was late by more than a little. A provider that takes long to answer is given half of it to rest.
    """
    pace = export.kind.pace
    seconds = clock.jittered(min(pace.first * pace.growth ** min(export.polls, 60), pace.most))
    due = export.next_step_at
    late = due is None or due > asked_at or due < asked_at - timedelta(seconds=seconds * LITTLE)
    at = max((asked_at if late or due is None else due) + timedelta(seconds=seconds), clock.after(seconds / 2))
    return min(at, max(export.deadline_at, clock.now()))


def see(
    claim: Claim, sight: Sight, *, source: str, asked_at: datetime | None = None, polls_alone: bool = False
) -> None:
    """Writes what a look showed. Raises LostClaimError when the claim no longer stands."""
    export, kind = claim.export, claim.export.kind
    fields: dict[str, Any] = {
        **_seen(export, sight),
        "polls_alone": polls_alone,
        "provider_status": sight.word[:200],
        "messages": list(sight.messages) or export.messages,
        "memo": export.memo if sight.memo is None else dict(sight.memo),
    }
    with transaction.atomic():
        _relay(claim, sight, fields)
        if export.status == states.WAITING:  # adopted: the first look that finds the job is its acceptance
            _begin(claim, source, fields)
        if sight.state == "failed":
            message = sight.message or "; ".join(sight.messages) or "The provider says that the job failed."
            fail(claim, sight.code, message, source=source, note=sight.note, **fields)
        elif sight.state == "canceled":
            label = export.project.credential.declared.label
            note = sight.note or f"Canceled at {label}."
            if not export.move(states.CANCELED, source=source, note=note, fence=claim.fence, **fields):
                raise LostClaimError
        elif sight.state == "done" and not kind.has_file:
            fields["progress"] = 100.0
            if not export.move(states.SUCCEEDED, source=source, note=sight.note, fence=claim.fence, **fields):
                raise LostClaimError
        elif sight.state == "done" and not sight.link and export.looks + 1 >= LOOKS_WITHOUT_FILE:
            message = f"{export.project.credential.declared.label} says the job is done, but names no file."
            fail(claim, "no_file", message, source=source, note=sight.note, **fields)
        else:
            _go_on(claim, sight, source, fields, asked_at or clock.now())


def _begin(claim: Claim, source: str, fields: dict[str, Any]) -> None:
    export = claim.export
    begun: dict[str, Any] = {
        "started_at": clock.now(),
        "deadline_at": clock.after(export.kind.deadline.total_seconds()),
    }
    values: dict[str, Any] = {**begun, "provider_status": fields["provider_status"]}
    if not export.move(states.PROCESSING, source=source, note="The job was found.", fence=claim.fence, **values):
        raise LostClaimError


def _go_on(claim: Claim, sight: Sight, source: str, fields: dict[str, Any], asked_at: datetime) -> None:
    export = claim.export
    changed = fields["provider_status"] != export.provider_status
    if sight.state == "done" and sight.link:
        fields |= {
            "step": states.FETCH,
            "sealed_link": export.sealed(sight.link),
            "next_step_at": clock.now(),
            "deadline_at": clock.after(FETCH_SECONDS),
            "progress": 100.0,
            "looks": 0,
        }
        wake.soon()
    else:
        fields["next_step_at"] = _next_look(export, asked_at)
        if sight.state == "done":
            fields |= {"looks": export.looks + 1, "wait_note": "The provider says it is done, but names no file yet."}
    settle_next(claim, **fields)
    if changed:
        unknown = f"The portal does not know the word “{sight.word}”." if sight.state == "unknown" else ""
        note = " ".join(filter(None, [unknown, sight.note]))
        witness(export, str(fields["provider_status"]), source=source, note=note)


def _relay(claim: Claim, sight: Sight, fields: dict[str, Any]) -> None:
    """Queues a message for the address the user named, when there is something new to say."""
    export, kind = claim.export, claim.export.kind
    if not kind.relay or not export.options.get(kind.relay):
        return
    if sight.progress == export.progress and sight.word == export.provider_status and sight.state == "running":
        return
    payload = {"progress": fields["progress"], "state": sight.word, "status": sight.state}
    key = f"{sight.state}:{fields['progress']}:{sight.word}"[:60]
    address = str(export.options[kind.relay])
    # What was not told yet is old news now; an address that is slow hears of the latest.
    older = Notice.objects.filter(export=export, kind=RELAY, sent_at=None, due_at__isnull=False)
    older.update(due_at=None, trouble="A newer one took its place.")
    Notice.objects.get_or_create(
        export=export,
        kind=RELAY,
        key=key,
        defaults={
            "payload": payload,
            "due_at": clock.now(),
            "recipient": recipient_key(address),
            "host": host_of(address),
        },
    )

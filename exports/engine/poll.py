"""Looking at a job that runs at the provider."""

from typing import Any

from django.db import transaction

from exports import states
from exports.engine import clock
from exports.engine.budget import admit, heed
from exports.engine.claim import Claim, LostClaimError
from exports.engine.connect import connect, job_fields, with_fresh_token
from exports.engine.outcome import fail, settle_next, witness
from exports.engine.trouble import meet
from exports.models import Notice
from exports.models.notice import RELAY
from exports.providers.base import Job, Sight
from exports.providers.errors import ProviderError

FETCH_SECONDS = 12 * 3600.0
LOOKS_WITHOUT_FILE = 3


def poll(claim: Claim) -> None:
    """One look, and what follows from it."""
    export = claim.export
    if not admit(claim, "normal"):
        return
    with connect(export.project.credential, export) as client:
        job = Job(**job_fields(export))
        ticket = export.ticket
        try:
            sight = with_fresh_token(client, lambda: client.provider.poll(client, job))
        except ProviderError as error:
            meet(claim, error, rate_class="normal")
            return
        finally:
            heed(export, "normal", ticket, client.made, client.head)
    see(claim, sight, source="poll")


def see(claim: Claim, sight: Sight, *, source: str) -> None:
    """Writes what a look showed. Raises LostClaimError when the claim no longer stands."""
    export, kind = claim.export, claim.export.kind
    fields: dict[str, Any] = {
        "provider_status": sight.word[:200],
        "progress": export.progress if sight.progress is None else min(max(sight.progress, 0.0), 100.0),
        "messages": list(sight.messages) or export.messages,
        "memo": export.memo if sight.memo is None else dict(sight.memo),
        "misses": 0,
        "unreadable": 0,
        "polls": export.polls + 1,
        "trouble": "",
        "wait_note": "",
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
            _go_on(claim, sight, source, fields)


def _begin(claim: Claim, source: str, fields: dict[str, Any]) -> None:
    export = claim.export
    begun: dict[str, Any] = {
        "started_at": clock.now(),
        "deadline_at": clock.after(export.kind.deadline.total_seconds()),
    }
    values: dict[str, Any] = {**begun, "provider_status": fields["provider_status"]}
    if not export.move(states.PROCESSING, source=source, note="The job was found.", fence=claim.fence, **values):
        raise LostClaimError


def _go_on(claim: Claim, sight: Sight, source: str, fields: dict[str, Any]) -> None:
    export, pace = claim.export, claim.export.kind.pace
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
    else:
        seconds = min(pace.first * pace.growth ** min(export.polls, 60), pace.most)
        fields["next_step_at"] = min(clock.after(clock.jittered(seconds)), max(export.deadline_at, clock.now()))
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
    # What was not told yet is old news now; an address that is slow hears of the latest.
    older = Notice.objects.filter(export=export, kind=RELAY, sent_at=None, due_at__isnull=False)
    older.update(due_at=None, trouble="A newer one took its place.")
    Notice.objects.get_or_create(
        export=export, kind=RELAY, key=key, defaults={"payload": payload, "due_at": clock.now()}
    )

"""Invariants of all exports, which hold after every event."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from exports import states
from exports.models import Change, Event, Export
from exports.queue.leases import Claim
from tests.steps.scripted_provider import CreatedJob

Rows = dict[int, dict[str, Any]]
# Rare events that the test must reach, with the text that each leaves in a note of the history.
RARE_EVENTS = {
    "accepted late": "Accepted late",
    "accepted after the end": "Found the job after all",
    "found again": "Found the job: ",
    "fetched": "File verified, ",
    "asked once more": "It is sent once more",
    "taken without a name": "the request counts as taken",
}
RARE_ERROR_CODES = {"unconfirmed"}
# The fields that an answer may still set after the export has ended.
FIELDS_SET_LATE = ("remote_id", "provider_status")


def read_rows() -> Rows:
    """The rows of all exports, by id."""
    return {row["id"]: dict(row) for row in Export.objects.values()}


def check_rows(rows: Rows, before: Rows) -> None:
    """Open exports have a next step, ended ones a result or a reason, and none goes back."""
    events = Counter(Event.objects.values_list("export_id", flat=True))
    for pk, row in rows.items():
        is_open = row["status"] in states.OPEN
        assert is_open == (row["next_step_at"] is not None), row
        assert is_open == (row["step"] != states.NONE), row
        assert is_open == (row["finished_at"] is None), row
        has_file = row["file_id"] is not None
        assert has_file == (row["status"] == states.SUCCEEDED and row["format"] != "none"), row
        assert bool(row["error_code"]) == (row["status"] == states.FAILED), row
        assert events[pk] == (0 if is_open else 1), (row, events[pk])
        assert is_open or (not row["encrypted_link"] and row["held_until"] is None), row
        _check_forward(row, before.get(pk))


def _check_forward(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    if before is None:
        return
    assert row["fence"] >= before["fence"], (before, row)
    if before["remote_id"]:
        assert row["remote_id"] == before["remote_id"], (before, row)
    if before["status"] in states.ENDED:
        changed = {name for name in row if row[name] != before[name]}
        assert not changed or (changed <= set(FIELDS_SET_LATE) and not before["remote_id"]), (changed, before, row)


def rows_of_lost_claim(claim: Claim) -> Rows:
    """The row of a claim that no longer stands, by id, which the result of its step must not change; else nothing."""
    row = Export.objects.filter(pk=claim.export.pk).values().get()
    stands = row["fence"] == claim.fence and row["status"] in states.OPEN
    return {} if stands else {claim.export.pk: dict(row)}


def check_unchanged(before: Rows) -> None:
    """These rows are unchanged, except that a job which an answer or a search names is recorded however late.

    A waiting export goes on with the job; of an ended one only the job is recorded. `check_jobs` checks the owners.
    """
    for row in map(dict[str, Any], Export.objects.filter(pk__in=before).values()):
        previous = before[row["id"]]
        changed = {name for name in row if row[name] != previous[name]}
        job_recorded = bool(row["remote_id"]) and not previous["remote_id"]
        if job_recorded and previous["status"] == states.WAITING:
            assert row["status"] in (states.PROCESSING, states.SUCCEEDED), (changed, previous, row)
        else:
            assert changed <= (set(FIELDS_SET_LATE) if job_recorded else set()), (changed, previous, row)


def check_history(rows: Rows) -> None:
    """History rows are numbered without a gap, follow the permitted transitions, and end in the current status."""
    history: dict[int, list[Change]] = defaultdict(list)
    for change in Change.objects.order_by("export_id", "seq"):
        history[change.export_id].append(change)
    for pk, row in rows.items():
        changes = history[pk]
        assert [change.seq for change in changes] == list(range(1, len(changes) + 1)), changes
        assert changes[0].from_status is None
        assert changes[-1].to_status == row["status"], (changes, row)
        for earlier, later in pairwise(changes):
            assert later.from_status == earlier.to_status, changes
            assert later.at >= earlier.at, changes
        for change in changes:
            same = change.from_status == change.to_status
            assert same or states.may_transition(change.from_status, change.to_status), changes


def check_jobs(rows: Rows, ledger: Iterable[CreatedJob]) -> None:
    """No export has two jobs, and none watches the job of another."""
    owners = {str(made.number): made.export for made in ledger}
    made = Counter(owners.values())
    assert all(count == 1 for count in made.values()), made
    for pk, row in rows.items():
        assert not row["remote_id"] or owners[row["remote_id"]] == pk, (row, owners)


def check_requests(requests: Mapping[int, list[str]]) -> None:
    """At most two requests of an export may have been executed, and none follows a 2xx."""
    for export, answers in requests.items():
        assert len(answers) <= 2, (export, answers)
        assert not {"names nothing", "garbage"} & set(answers[:-1]), (export, answers)


def rare_events_seen() -> set[str]:
    """The rare events that exports have been through, and the error codes they ended with."""
    events = {name for name, text in RARE_EVENTS.items() if Change.objects.filter(note__contains=text).exists()}
    return events | set(Export.objects.exclude(error_code="").values_list("error_code", flat=True))

"""Reads what services say of a job: which one it is, and when what happened."""

from collections.abc import Callable, Mapping
from typing import Any

from exports.providers.parsing import check_id, mapping, remote_id, text
from exports.transport.errors import UnreadableError


def parse_job(body: object, label: str, expected: str = "", thing: str = "job") -> tuple[str, Mapping[str, Any]]:
    """The id of a job and its object. `expected`: the id of the job that was polled; it need not be named again.
    `thing`: the service's word for a job.

    Raises UnreadableError where no job is named, or another than the expected one.
    """
    row = mapping(body)
    id_ = remote_id(row.get("id"))
    if not (id_ or expected):
        raise UnreadableError(f"{label} took the request, but named no {thing}.")
    check_id(row.get("id") if expected else None, expected, thing)
    return id_ or expected, row


def times_note(row: Mapping[str, Any], fields: Mapping[str, str], spell: Callable[[str], str] = str) -> str:
    """The service's times for the history. `fields`: the field of each time, and what happened then."""
    times = {word: text(row.get(field), 40) for field, word in fields.items()}
    return ", ".join(f"{word} {spell(time)}" for word, time in times.items() if time)

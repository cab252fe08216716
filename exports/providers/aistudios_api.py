"""AI Studios' editor API: its refusals, paths, projects, and what tells one export of a project from another.

The provider itself is aistudios.py. Source: docs.aistudios.com (v3), reference.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from exports.providers import parsing
from exports.providers.contract import Job
from exports.transport.client import Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnknownRefusalError,
)
from exports.transport.responses import error_text

PREFIX: Final = "/api/odin/v3"
# The editor API publishes no codes, and refuses with any status, also 200. Declared final: HTTP's own codes for faults
# of the caller, and those of the sister API (reference/interactive-avatar), which are HTTP's with a 0 behind.
FINAL_CODES: Final = frozenset(
    f"{code}{zero}" for code in (400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422) for zero in ("", "0")
)
# What the sentence says, where the code is none of these.
RATE_LIMITED: Final = re.compile(r"^4290?\b|too many|rate.?limit", re.I)
PASSING: Final = re.compile(r"^5[0-9]{2}0\b|temporar|try again|internal|timed? ?out|unavailable|overload", re.I)
UNAUTHENTICATED: Final = re.compile(r"^4010?\b|\btoken\b|jwt|unauth|authori[sz]|authenti|expired|credential", re.I)
FORBIDDEN: Final = re.compile(r"^4030?\b|forbidden|permission|not allowed", re.I)
NOT_FOUND: Final = re.compile(r"^4040?\b|not.?found|(not|n't) exist|no such", re.I)
UNPAID: Final = re.compile(r"\bcredits?\b|\bquota\b|\bbalance\b", re.I)
FINAL_SENTENCES: Final = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, UNPAID)


def error_from_envelope(label: str, status: int, body: object) -> ProviderError | None:
    """The error that an envelope's `success: false` means, at any status; None for every other answer.

    Inside a 2xx it is a refusal only where code or sentence is declared final above; else an UnknownRefusalError.
    """
    if not isinstance(body, dict) or body.get("success") is not False or status in parsing.SELF_EXPLAINING_STATUSES:
        return None
    code = parsing.text(parsing.mapping(body.get("error")).get("code"))
    reason = f"{code} {error_text(body)}".strip()
    sentence, word = f"{label} refused: {reason or 'it gave no reason'}", code or str(status)
    if status >= 500 or re.fullmatch(r"5[0-9]{2}", code):
        return UnclearError(sentence, provider_status=word)
    if RATE_LIMITED.search(reason):
        return BusyError(sentence, seconds=60, pause=True, provider_status=word)
    says_so = code in FINAL_CODES or any(pattern.search(reason) for pattern in FINAL_SENTENCES)
    is_passing = code not in FINAL_CODES and PASSING.search(reason) is not None
    if is_passing or (status < 400 and not says_so):
        return UnknownRefusalError(sentence, passing=is_passing, provider_status=word)
    if status in (404, 410) or (
        status not in (401, 403) and NOT_FOUND.search(reason) and not UNAUTHENTICATED.search(reason)
    ):
        return NotFoundError(sentence, provider_status=word)
    is_unauthenticated = status == 401 or UNAUTHENTICATED.search(reason) is not None
    if is_unauthenticated or status == 403 or FORBIDDEN.search(reason):
        return CredentialError(
            sentence, renewable=is_unauthenticated, known=not is_unauthenticated, provider_status=word
        )
    return RefusedError(sentence, provider_status=word)


def get_editor(client: Client, route: str, job: Job) -> Any:
    """GET /editor/{route}/{id}: what its envelope holds for the job's project."""
    path = f"{PREFIX}/editor/{route}/{parsing.path_segment(job.project, client.provider.label)}"
    return parsing.unwrap_envelope(client.get(path))


def get_project(client: Client, job: Job) -> Mapping[str, Any]:
    """GET /editor/project/{id} (reference/get-project). Raises NotFoundError."""
    project = parsing.mapping_at(get_editor(client, "project", job), "project")
    if not project:
        raise NotFoundError(f"AI Studios has no project {job.project}.")
    parsing.check_id(project.get("_id") or project.get("id"), job.project)
    return project


def fingerprint(client: Client, job: Job) -> dict[str, Any]:
    """What tells an export from the previous one of its project; of the link, which is a secret, only a hash."""
    project = get_project(client, job)
    texts = {"task": "backendTaskId", "updated": "updatedAt", "state": "state"}
    return {
        **{name: parsing.text(project.get(field)) for name, field in texts.items()},
        "progress": parsing.percent(project.get("progress")),
        "link": parsing.hash_link(parsing.first_text(project, "download_url")),
    }

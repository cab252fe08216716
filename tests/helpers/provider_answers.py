"""The answers of every provider to every call of the contract, as its documents show them, for jobs that are done."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from exports.providers.contract import Job, Provider
from exports.providers.registry import PROVIDERS
from exports.transport.client import Client
from tests.helpers.cast import PROJECTS
from tests.helpers.json_changes import ORIGIN, UNCHANGED, Change
from tests.helpers.raw_server import RawServer

FILM: Final = PROJECTS["aistudios"]
SECRETS: Final[Mapping[str, dict[str, str]]] = {
    "playcanvas": {"token": "a-token-of-a-credential"},
    "aistudios": {"app_id": "an-id-of-an-app", "user_key": "a-token-of-a-credential"},
    "toloka": {"token": "a-token-of-a-credential", "scheme": "OAuth"},
    "ulule": {"client_id": "a-client", "client_secret": "a-client-secret", "refresh_token": "a-token-of-a-credential"},
}
LISTED: Final = {"result": [{"id": 7, "name": "One"}, {"id": 8, "name": "Two"}], "pagination": {"total": 2}}
CANVAS_JOB: Final = {
    "id": 501,
    "created_at": "2026-01-02T03:04:05Z",
    "status": "complete",
    "messages": ["Built"],
    "data": {"url": f"{ORIGIN}/file", "download_url": f"{ORIGIN}/file", "project": {"id": 100001}},
}
FILM_PROJECT: Final = {
    "_id": FILM,
    "backendTaskId": "task-1",
    "updatedAt": "2026-01-02T03:04:05Z",
    "state": "draft",
    "progress": 0,
    "download_url": f"{ORIGIN}/old?Expires=1",
}
PROGRESS: Final = {"projectId": FILM, "state": "exported", "progress": 100, "downloadUrl": f"{ORIGIN}/file?Expires=2"}
OPERATION: Final = {
    "id": "501",
    "type": "PROJECT.ARCHIVE",
    "status": "SUCCESS",
    "submitted": "2026-01-02T03:04:05.902",
    "finished": "2026-01-02T03:05:05+02:00",
    "progress": 100,
    "parameters": {"project_id": "10"},
    "details": {"code": "X", "texts": ["y"]},
}
POOL: Final = {"id": "31", "project_id": "10", "private_name": "Pool", "status": "CLOSED"}
ORDERS: Final = {
    "id": 501,
    "project_id": 4001,
    "type": "orders",
    "format": "csv",
    "status": "succeeded",
    "created_at": "2026-01-02T03:04:05Z",
    "url": f"{ORIGIN}/file",
}
ME: Final = {"id": 9, "username": "somebody"}


def _film(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


# By provider: what the first line of a request begins with, and what is answered. The first that fits counts.
ANSWERS: Final[Mapping[str, tuple[tuple[str, Any], ...]]] = {
    "playcanvas": (
        (r"POST", {**CANVAS_JOB, "status": "running", "data": {}}),
        (r"GET /api/jobs/", CANVAS_JOB),
        (r"GET /api/ratelimits", {"limits": {"normal": 120, "strict": 5}}),
        (r"GET /api/id", {"id": 7}),
        (r"GET ", LISTED),
    ),
    "aistudios": (
        (r"POST \S+/auth/token", _film({"token": "a.b.c"})),
        (r"POST", _film({"projectId": FILM})),
        (r"GET \S+/auth ", _film({"isAuthenticated": True})),
        (r"GET \S+/editor/progress/", _film(PROGRESS)),
        (r"GET \S+/editor/project/", _film({"project": FILM_PROJECT})),
        (r"GET \S+/editor/project", _film({"projects": [{"id": FILM, "name": "Film"}]})),
        (r"GET ", _film({"workspaces": [{"workspaceId": "w1", "workspaceName": "Team"}]})),
    ),
    "toloka": (
        (r"POST", {**OPERATION, "status": "RUNNING"}),
        (r"GET \S+/projects/10", {"id": "10", "public_name": "Signs", "status": "ACTIVE"}),
        (r"GET \S+/projects", {"items": [{"id": "10", "public_name": "Signs", "status": "ACTIVE"}], "has_more": False}),
        (r"GET \S+/operations/", OPERATION),
        (r"GET \S+/operations", {"items": [{**OPERATION, "id": "400"}], "has_more": False}),
        (r"GET \S+/pools", {"items": [POOL], "has_more": False}),
        (r"GET \S+/trainings", {"items": [], "has_more": False}),
        (r"GET ", {"id": "me", "public_name": {"EN": "Somebody"}, "balance": 12.5}),
    ),
    "ulule": (
        (r"POST /oauth2/", {"access_token": "abc", "refresh_token": "def", "expires_in": 36000}),
        (r"POST", {**ORDERS, "status": "waiting", "url": None}),
        (r"GET /v1/me", ME),
        (r"GET /v1/users/", {"projects": [{"id": 4001, "name": {"fr": "Lampe"}}], "meta": {"next": None}}),
        (r"GET /v1/projects/\d+/exports", {"exports": [{**ORDERS, "id": 400}], "meta": {"next": None}}),
        (r"GET /v1/projects/", {"id": 4001, "user_role": "owner"}),
        (r"GET ", ORDERS),
    ),
}


def answer_to(provider: str, head: bytes) -> Any:
    """What this provider answers to the request with this head."""
    line = head.decode("latin-1").partition("\r\n")[0]
    return next(answer for pattern, answer in ANSWERS[provider] if re.match(pattern, line))


def answering(host: RawServer, provider: str, plan: Sequence[Change | None]) -> None:
    """The host gives the provider's answers, each changed by the next of the plan, and then the first again."""
    count = 0

    def reply(head: bytes) -> Iterator[bytes]:
        nonlocal count
        change = plan[count % len(plan)]
        count += 1
        return (change or UNCHANGED).apply(answer_to(provider, head), host.origin)

    host.requests.clear()
    host.answer_everything(reply)


def client_of(provider: Provider, host: RawServer) -> Client:
    """A client of the provider that calls the host."""
    return Client(provider, host.origin, SECRETS[provider.slug], host.guard)


def jobs_of(provider: Provider) -> list[Job]:
    """A job of each kind and format, before its request was sent."""
    options: dict[str, dict[str, Any]] = {
        "app": {"name": "An app", "scenes": [7]},
        "orders": {"columns": {"order.id": "Number"}},
    }
    jobs = [
        Job(PROJECTS[provider.slug], kind.type, format_, options.get(kind.type, {}))
        for kind in provider.kinds
        for format_ in kind.formats
    ]
    return [*jobs, replace(jobs[0], options={"archive_pools": True})] if provider.slug == "toloka" else jobs


# Every call of the contract.
CALLS: Final = ("submit", "poll", "find", "prepare", "check", "projects", "choices", "preflight")


def call(name: str, provider: Provider, client: Client, job: Job) -> list[object]:
    """Makes this call of the contract, with its arguments. Returns what it returned."""
    if name == "projects" or name == "check":
        return [getattr(provider, name)(client)]
    if name == "choices":
        kind = provider.kind(job.type)
        return [provider.choices(client, job.project, option) for option in (kind.options_with_choices if kind else ())]
    return [getattr(provider, name)(client, job)]


assert PROVIDERS.keys() == ANSWERS.keys()

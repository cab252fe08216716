"""PlayCanvas' answers, for the tests that every provider passes."""

from typing import Any, Final

from tests.helpers.json_changes import ORIGIN
from tests.helpers.sample import Sample

LISTED: Final = {"result": [{"id": 7, "name": "One"}, {"id": 8, "name": "Two"}], "pagination": {"total": 2}}
JOB: Final = {
    "id": 501,
    "created_at": "2026-01-02T03:04:05Z",
    "status": "complete",
    "messages": ["Built"],
    "data": {"url": f"{ORIGIN}/file", "download_url": f"{ORIGIN}/file", "project": {"id": 100001}},
}


def running(**more: Any) -> dict[str, Any]:
    return {"id": 501, "status": "running", "messages": [], "data": {}, **more}


def done(link: str, **more: Any) -> dict[str, Any]:
    return {"id": 501, "status": "complete", "messages": [], "data": {"url": link} if link else {}, **more}


SAMPLE: Final = Sample(
    secrets={"token": "a-token-of-a-credential"},
    project="100001",
    pages=("https://playcanvas.com/project/{}/overview/some-game", "playcanvas.com/project/{}"),
    answers=(
        (r"POST", {**JOB, "status": "running", "data": {}}),
        (r"GET /api/jobs/", JOB),
        (r"GET /api/ratelimits", {"limits": {"normal": 120, "strict": 5}}),
        (r"GET /api/id", {"id": 7}),
        (r"GET ", LISTED),
    ),
    submit="POST /api/projects/100001/export",
    creates="POST /api/",
    poll="GET /api/jobs/501",
    accepted=running,
    running=running,
    done=done,
    options={"app": {"name": "An app", "scenes": [7]}},
    forbidden={"error": "Forbidden"},
    not_found={"error": "Job not found"},
)

"""Toloka's answers, for the tests that every provider passes."""

from typing import Any, Final

from tests.helpers.sample import Sample

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


def running(**more: Any) -> dict[str, Any]:
    parameters = {"project_id": "10"}
    return {"id": "501", "type": "PROJECT.ARCHIVE", "status": "RUNNING", "parameters": parameters, **more}


def done(link: str, **more: Any) -> dict[str, Any]:
    return running(**{"status": "SUCCESS", **more})


SAMPLE: Final = Sample(
    secrets={"token": "a-token-of-a-credential", "scheme": "OAuth"},
    project="10",
    pages=("https://platform.toloka.ai/requester/project/{}/pool/7",),
    answers=(
        (r"POST", {**OPERATION, "status": "RUNNING"}),
        (r"GET \S+/projects/10", {"id": "10", "public_name": "Signs", "status": "ACTIVE"}),
        (r"GET \S+/projects", {"items": [{"id": "10", "public_name": "Signs", "status": "ACTIVE"}], "has_more": False}),
        (r"GET \S+/operations/", OPERATION),
        (r"GET \S+/operations", {"items": [{**OPERATION, "id": "400"}], "has_more": False}),
        (r"GET \S+/pools", {"items": [POOL], "has_more": False}),
        (r"GET \S+/trainings", {"items": [], "has_more": False}),
        (r"GET ", {"id": "me", "public_name": {"EN": "Somebody"}, "balance": 12.5}),
    ),
    submit="POST /api/v1/projects/10/archive",
    poll="GET /api/v1/operations/501",
    list="GET /api/v1/operations",
    listed=lambda *jobs: {"items": list(jobs), "has_more": False},
    before={"GET /api/v1/projects/10": {"id": "10", "status": "ACTIVE"}},
    accepted=running,
    running=running,
    done=done,
    more_options=({"archive_pools": True},),
    forbidden={"code": "ACCESS_DENIED", "message": "Access denied", "request_id": "r"},
    not_found={"code": "DOES_NOT_EXIST", "message": "Operation does not exist", "request_id": "r"},
    ids_are_texts=True,
    fault_ends={10: "precondition"},
)

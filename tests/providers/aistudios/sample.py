"""AI Studios' answers, for the tests that every provider passes."""

from typing import Any, Final

from tests.helpers.json_changes import ORIGIN
from tests.helpers.sample import Sample

FILM: Final = "65fa6b07dca2e367461a2925"
PROJECT: Final = {
    "_id": FILM,
    "backendTaskId": "task-1",
    "updatedAt": "2026-01-02T03:04:05Z",
    "state": "draft",
    "progress": 0,
    "download_url": f"{ORIGIN}/old?Expires=1",
}
PROGRESS: Final = {"projectId": FILM, "state": "exported", "progress": 100, "downloadUrl": f"{ORIGIN}/file?Expires=2"}


def good(data: Any) -> dict[str, Any]:
    """The envelope."""
    return {"success": True, "data": data}


def accepted(**more: Any) -> dict[str, Any]:
    return good({"projectId": FILM, **more})


def running(**more: Any) -> dict[str, Any]:
    return good({"progress": 40, **more})


def done(link: str, **more: Any) -> dict[str, Any]:
    links = {"downloadUrl": link} if link else {}
    return good({"projectId": FILM, "progress": 100, "state": "finish", **links, **more})


SAMPLE: Final = Sample(
    secrets={"app_id": "an-id-of-an-app", "user_key": "a-token-of-a-credential"},
    project=FILM,
    pages=("https://app.aistudios.com/editor/{}?a=b#c",),
    answers=(
        (r"POST \S+/auth/token", good({"token": "a.b.c"})),
        (r"POST", good({"projectId": FILM})),
        (r"GET \S+/auth ", good({"isAuthenticated": True})),
        (r"GET \S+/editor/progress/", good(PROGRESS)),
        (r"GET \S+/editor/project/", good({"project": PROJECT})),
        (r"GET \S+/editor/project", good({"projects": [{"id": FILM, "name": "Film"}]})),
        (r"GET ", good({"workspaces": [{"workspaceId": "w1", "workspaceName": "Team"}]})),
    ),
    submit="POST /api/odin/v3/editor/project/export",
    poll=f"GET /api/odin/v3/editor/progress/{FILM}",
    before={
        "POST /api/odin/v3/auth/token": good({"token": "a.b.c"}),
        f"GET /api/odin/v3/editor/project/{FILM}": good({"project": {"_id": FILM, "state": "draft", "progress": 0}}),
    },
    accepted=accepted,
    running=running,
    done=done,
    forbidden={"success": False, "error": {"code": 4030, "msg": "Forbidden"}},
    not_found={"success": False, "error": {"code": 4040, "msg": "Project not found"}},
    renews_token=True,
)

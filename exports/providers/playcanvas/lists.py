"""PlayCanvas' projects, branches and scenes, and the rate limits of a token.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the projects, playcanvas/vscode-extension.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from exports.providers import paged_lists, parsing
from exports.transport.client import ApiResponse, Client

Pairs = list[tuple[str, str]]


def rate_limits(client: Client, classes: Iterable[str]) -> tuple[str, Mapping[str, int]]:
    """GET /ratelimits, which every token may call; GET /projects/:id answers 401 to good ones (developer-site #740)."""
    answer = parsing.below(client.get("/api/ratelimits").body, "limits")
    limits = {name: number for name in classes if (number := parsing.integer(parsing.below(answer, name)))}
    return f"Calls a minute: {', '.join(f'{n} {name}' for name, n in limits.items())}." if limits else "", limits


def projects(client: Client) -> Pairs:
    """As the extension for VS Code lists them. The calls are not documented, so they may be refused."""
    me = client.get("/api/id").body
    user = parsing.path_segment(parsing.text(me.get("id") if isinstance(me, dict) else me), client.provider.label)
    return _list(client, f"/api/users/{user}/projects")


def project_path(client: Client, project: str) -> str:
    """The path of a project. Raises NotFoundError for what can be none."""
    return f"/api/projects/{parsing.path_segment(project, client.provider.label)}"


def branches(client: Client, project: str) -> Pairs:
    """GET /projects/:id/branches: the open ones."""
    return _list(client, f"{project_path(client, project)}/branches")


def scenes(client: Client, project: str, branch: str) -> Pairs:
    """GET /projects/:id/scenes, by default of the main branch."""
    return _list(client, f"{project_path(client, project)}/scenes", **({"branchId": branch} if branch else {}))


def _list(client: Client, path: str, **params: str) -> Pairs:
    keep = paged_lists.texts("id", "name")
    entries = paged_lists.collect_entries(client, path, params, "result", _next_page, keep)
    return paged_lists.as_complete_as(entries, parsing.id_name_pairs(entries, "result", "id", "name"))


def _next_page(answer: ApiResponse, ids: list[str]) -> Mapping[str, Any]:
    """`skip` is the last id for branches (`hasMore`), the count so far for other lists (`total`)."""
    if more := paged_lists.after_last_id("skip", "pagination", "hasMore")(answer, ids):
        return more
    total = parsing.integer(parsing.below(answer.body, "pagination", "total")) or 0
    return {"skip": len(ids)} if len(ids) < total else {}

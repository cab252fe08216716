"""AI Studios' editor API: envelopes, projects, and what tells one export of a project from another.

Source: docs.aistudios.com (v3), reference.
"""

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from exports.providers import parsing
from exports.providers.contract import Job, RemoteProject
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import AddressError, NotFoundError, UnreadableError
from exports.transport.ssrf import check_length

PREFIX: Final = "/api/odin/v3"
# Parameters that signing adds to an address: the same file, signed again, must not look like another file.
SIGNATURE_PARAMETERS: Final = re.compile(
    r"x-(amz|goog|oss)-.*|expires?|signature|sig|policy|key-pair-id|s[etprvk]", re.I
)


def unwrap(answer: ApiResponse) -> Any:
    """What an envelope `{"success": true, "data": …}` holds; a value without one as it is. Raises UnreadableError."""
    body = answer.body
    if not isinstance(body, dict):
        return body
    if body.get("success", True) is not True:
        raise UnreadableError("The answer does not say whether the call succeeded.", provider_status=str(answer.status))
    return body["data"] if "data" in body else {name: body[name] for name in body if name != "success"}


def get_editor(client: Client, route: str, job: Job) -> Any:
    """GET /editor/{route}/{id}: what its envelope holds for the job's project."""
    path = f"{PREFIX}/editor/{route}/{parsing.path_segment(job.project, client.provider.label)}"
    return unwrap(client.get(path))


def get_project(client: Client, job: Job) -> Mapping[str, Any]:
    """GET /editor/project/{id} (reference/get-project). Raises NotFoundError."""
    data = get_editor(client, "project", job)
    project = parsing.mapping(data["project"] if isinstance(data, dict) and "project" in data else data)
    if not project:
        raise NotFoundError(f"AI Studios has no project {job.project}.")
    parsing.check_id(project.get("_id") or project.get("id"), job.project)
    return project


def list_projects(client: Client) -> list[RemoteProject]:
    """GET /editor/project: the videos that were exported before, each with its state (reference/get-projects)."""
    rows = parsing.object_list(unwrap(client.get(f"{PREFIX}/editor/project")), "projects")
    states = {parsing.text(row.get("id")): parsing.text(row.get("state")) for row in rows}
    return [
        RemoteProject(id_, name, states[id_]) for id_, name in parsing.id_name_pairs(rows, "projects", "id", "name")
    ]


def list_workspaces(client: Client) -> list[tuple[str, str]]:
    """GET /dropdown/workspaces (reference/workspaces)."""
    data = unwrap(client.get(f"{PREFIX}/dropdown/workspaces"))
    return parsing.id_name_pairs(data, "workspaces", "workspaceId", "workspaceName")


def fingerprint(client: Client, job: Job) -> dict[str, Any]:
    """What tells an export from the previous one of its project; of the link, which is a secret, only a hash."""
    project = get_project(client, job)
    texts = {"task": "backendTaskId", "updated": "updatedAt", "state": "state"}
    return {
        **{name: parsing.text(project.get(field)) for name, field in texts.items()},
        "progress": parsing.percent(project.get("progress")),
        "link": hash_link(parsing.first_text(project, "download_url")),
    }


def hash_text(secret: str) -> str:
    """The SHA-256 of a secret text, to recognise it later; "" for no text."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def hash_link(link: str) -> str:
    """A hash of a file's link that stays the same when the link is signed again; "" for no link."""
    with contextlib.suppress(ValueError, AddressError):
        check_length(link)
        parts = urlsplit(link)
        query = urlencode([pair for pair in parse_qsl(parts.query) if not SIGNATURE_PARAMETERS.fullmatch(pair[0])])
        link = parts._replace(query=query, fragment="").geturl()
    return hash_text(link)

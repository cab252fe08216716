"""AI Studios' editor API: paths, projects, and what tells one export of a project from another.

The provider itself is aistudios.py. Source: docs.aistudios.com (v3), reference.
"""

from collections.abc import Mapping
from typing import Any, Final

from exports.providers import parsing
from exports.providers.contract import Job
from exports.transport.client import Client
from exports.transport.errors import NotFoundError

PREFIX: Final = "/api/odin/v3"


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

"""What the PlayCanvas stand-in declares, its projects, and what its answers and requests contain."""

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exports.sandbox.declaration import Declaration, DemoExport, LimitWindow
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.jobs import Job
from exports.sandbox.request_parsing import Request


def limit_headers(window: LimitWindow) -> dict[str, str]:
    """The documented headers: the reset in seconds since 1970."""
    return {
        "X-RateLimit-Limit": str(window.allowed),
        "X-RateLimit-Remaining": str(window.left),
        "X-RateLimit-Reset": str(math.ceil(window.end)),
    }


DECLARATION = Declaration(
    slug="playcanvas",
    label="PlayCanvas",
    secrets={"token": "sandbox-token"},
    credentials_text="token `sandbox-token`",
    project_id="100001",
    project_name="Lighthouse",
    exports=(
        DemoExport("archive", "zip"),
        DemoExport("app", "zip", {"name": "Lighthouse", "scenes": [1000011]}),
    ),
    fault_project_id="1001{:02}",
    well_behaved=("100002", "100003"),
    faults_without_field=frozenset((("poll", "progress_back"),)),
    content_types={"zip": "application/zip"},
    # The free plan's, per minute.
    limits={"normal": 120, "strict": 5, "assets": 60, "post": 30, "download": 5000},
    limit_headers=limit_headers,
)
USER = {"id": 7001, "username": "stand-in", "full_name": "Stand-in Person"}
MAX_LENGTHS = {"name": 999, "description": 9_999, "version": 20, "release_notes": 10_000}
BOOLEAN_OPTIONS = (
    "scripts_concatenate",
    "script_concatenate",
    "scripts_minify",
    "scripts_sourcemaps",
    "optimize_scene_format",
)
FORMATS = ("static", "npm", "web_lens")


@dataclass(frozen=True, slots=True)
class Project:
    """A project and how its jobs behave.

    `replaces`: the job's data is replaced at the end. `messages`: jobs have messages. `refuses`: the status and text
    that exports are refused with. `any_scene`: any scene id is accepted but 404.
    """

    id: int
    name: str
    about: str = ""
    branches: tuple[str, ...] = ("main",)
    scenes: int = 2
    replaces: bool = False
    messages: bool = True
    refuses: tuple[int, str] | None = None
    any_scene: bool = False

    def branch_id(self, name: str) -> str:
        """A branch's id, the same after every restart."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"stand-in/{self.id}/{name}"))

    @property
    def scene_ids(self) -> list[int]:
        """The scenes' ids."""
        return [self.id * 10 + number for number in range(1, self.scenes + 1)]

    def has_scenes(self, wanted: list[int]) -> bool:
        """Whether these are scenes of the project. With `any_scene` a caller need not list the scenes first."""
        return 404 not in wanted if self.any_scene else set(wanted) <= set(self.scene_ids)


THREE_BRANCHES = ("main", "develop", "release-1")
MANY_BRANCHES = ("main", *(f"feature-{number:02}" for number in range(1, 45)))
PROJECTS = {
    project.id: project
    for project in (
        Project(100001, "Lighthouse", "well-behaved; takes any scene id but 404", THREE_BRANCHES, 3, any_scene=True),
        Project(100002, "Tiny Island", "the job's data is replaced when it is done", replaces=True),
        Project(100003, "Marble Run", "the job has no messages", messages=False),
        Project(100004, "Client Demo", "read-only member: export answers 403", refuses=(403, "Forbidden")),
        Project(100005, "Big Studio Game", "45 branches, in three pages", MANY_BRANCHES, 6),
        Project(100006, "Orphan", "export answers 404 Owner not found", refuses=(404, "Owner not found")),
        Project(100007, "Empty Project", "no scenes", scenes=0),
        *(
            Project(int(DECLARATION.fault_project(row.number)), f"Fault: {row.name}")
            for row in fault_projects(DECLARATION)
        ),
    )
}


def format_date(when: float) -> str:
    """A time as the API writes it: UTC with milliseconds."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def paginate(items: list[Any], call: Request) -> dict[str, Any]:
    """A list in pages by count."""
    size, start = call.query_int("limit", len(items)), call.query_int("skip", 0)
    return {"result": items[start : start + size], "pagination": {"limit": size, "skip": start, "total": len(items)}}


def echoed_fields(job: Job, project: int) -> dict[str, Any]:
    """The part of a job's data that repeats the request, under the service's names."""
    if job.kind == "archive":
        return {"project": {"id": project}}
    options = job.options
    data = {"owner_id": USER["id"], "project_id": project, "name": options["name"]}
    if "source_pack_ids" in options:
        data |= {"source_pack_ids": options["source_pack_ids"], "target": options.get("target", "web")}
    else:
        data |= {
            "scenes": options["scenes"],
            "format": options.get("format", "static"),
            "branch_id": options.get("branch_id"),
        }
    data["concatenate"] = options.get("scripts_concatenate", options.get("script_concatenate", False))
    data |= {"minify": options.get("scripts_minify", True), "sourcemaps": options.get("scripts_sourcemaps", False)}
    return data | {"engineVersion": options.get("engine_version")}


def validation_error(body: dict[str, Any]) -> tuple[int, str] | None:
    """What is wrong with a request for an app, as status and text; None if nothing is."""
    for field, max_length in MAX_LENGTHS.items():
        value = body.get(field)
        if value is not None and not (isinstance(value, str) and len(value) <= max_length):
            return 400, f"{field} must be a string of at most {max_length} characters"
    if not body.get("name"):
        return 400, "name is required"
    scenes = body.get("scenes", body.get("source_pack_ids"))
    if not isinstance(scenes, list) or not scenes or not all(type(number) is int for number in scenes):
        return 400, "scenes must be a list of at least one scene id"
    wrong = next((name for name in BOOLEAN_OPTIONS if not isinstance(body.get(name, False), bool)), None)
    if wrong:
        return 400, f"{wrong} must be a boolean"
    if body.get("target", "web") not in ("web", "ios"):
        return 400, "target must be web or ios"
    if body.get("format", "static") not in FORMATS:
        return 400, "format must be static or npm"
    return (403, "Forbidden") if body.get("format") == "web_lens" else None

"""What the Ulule stand-in declares, its projects, and what its answers contain."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exports.sandbox.declaration import Declaration, DemoExport, FaultProject, LimitWindow
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.request_parsing import Request, Response, json_response


def limit_headers(window: LimitWindow) -> dict[str, str]:
    """The headers of the documents of 2014, without a unit; the sample's reset is too small for a time of day."""
    return {
        "X-RateLimit-Limit": str(window.allowed),
        "X-RateLimit-Remaining": str(window.left),
        "X-RateLimit-Reset": str(math.ceil(window.end - window.now)),
    }


OWN_FAULT_PROJECTS = (
    FaultProject(
        23,
        (("submit", "canceled_by_staff", {"word": "canceled"}),),
        "the provider's staff cancels it, spelt canceled",
    ),
    FaultProject(
        24,
        (("submit", "canceled_by_staff", {"word": "cancelled"}),),
        "the provider's staff cancels it, spelt cancelled",
    ),
    FaultProject(
        43,
        (("submit", "status", {"status": 500, "done": True}), ("list", "late_list", {"seconds": 100})),
        "500, but the job was made, and the list shows it 100 s later",
    ),
)
DECLARATION = Declaration(
    slug="ulule",
    label="Ulule",
    secrets={"api_key": "sandbox-key"},
    other_secrets=(
        {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh"},
    ),
    credentials_text=(
        "API key `sandbox-key`; or OAuth2 client `sandbox-client`, secret `sandbox-secret`, "
        "refresh token `sandbox-refresh`"
    ),
    project_id="4001",
    project_name="Bakery campaign",
    exports=(DemoExport("orders", "csv"),),
    fault_project_id="41{:02}",
    well_behaved=("4002", "4003"),
    own_fault_projects=OWN_FAULT_PROJECTS,
    content_types={
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    },
    # Per minute, from the documents of 2014.
    limits={"all": 1000},
    limit_headers=limit_headers,
)
USER = {"id": 7001, "username": "stand-in", "name": "Stand-in Person", "lang": "fr", "is_staff": False}
MAX_PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Project:
    """A project: `is_owned` is false for another owner's; `past` is the number of its exports of earlier days."""

    id: int
    name: dict[str, str]
    about: str = ""
    is_owned: bool = True
    past: int = 0
    ending: str = ""
    word: str = ""


PROJECTS = {
    project.id: project
    for project in (
        Project(4001, {"fr": "Une boulangerie", "en": "Bakery campaign"}, "well-behaved"),
        Project(4002, {"fr": "Bande dessinée"}, "well-behaved, name in French only"),
        Project(4003, {"en": "A short film"}, "well-behaved"),
        Project(4004, {"fr": "Le projet d'un autre"}, "somebody else's: 403 PermissionError", is_owned=False),
        Project(4005, {"fr": "Une ferme", "en": "A farm"}, "45 older exports, in three pages", past=45),
        Project(
            4010, {"fr": "Annulé"}, "staff cancels the export: canceled", ending="canceled_by_staff", word="canceled"
        ),
        Project(4011, {"fr": "Annulé aussi"}, "cancelled, spelt so", ending="canceled_by_staff", word="cancelled"),
        Project(4012, {"fr": "Pas de chance"}, "the export fails", ending="job_fails"),
        *(
            Project(int(DECLARATION.fault_project(row.number)), {"en": f"Fault: {row.name}"})
            for row in fault_projects(DECLARATION)
        ),
    )
}


def format_date(when: float) -> str:
    """A time as the API writes it: UTC with milliseconds."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def project_json(project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    return {
        "id": project.id,
        "slug": f"stand-in-{project.id}",
        "name": project.name,
        "status": "online",
        "currency": "EUR",
        "lang": next(iter(project.name)),
        "type": "presale" if project.id % 2 else "project",
        "is_online": True,
        "is_cancelled": False,
        "finished": False,
        "created_at": format_date(1_700_000_000 - 60 * project.id),
        "date_start": "2024-02-01T00:00:00Z",
        "date_end": "2034-03-01T00:00:00Z",
        "absolute_url": f"https://ulule.example/stand-in-{project.id}/",
    }


def paginate(call: Request, name: str, items: list[dict[str, Any]]) -> Response:
    """A page of at most 20 items made before `since` (whole seconds), newest first.

    When a page ends between items of one second, the next page repeats some of them; when items of one second fill a
    whole page, the rest of that second is skipped.
    """
    size, since = max(1, min(MAX_PAGE_SIZE, call.query_int("limit", MAX_PAGE_SIZE))), call.query_int("since", -1)
    dated = sorted(((_seconds(item), item) for item in items), key=lambda pair: pair[0], reverse=True)
    if since >= 0:
        dated = [pair for pair in dated if pair[0] < since]
    page, rest = dated[:size], dated[size:]
    following = None
    if rest:
        last = math.floor(page[-1][0])
        split = math.floor(rest[0][0]) == last and math.floor(page[0][0]) > last
        following = f"?limit={size}&since={last + 1 if split else last}"
    return json_response({"meta": {"limit": size, "next": following}, name: [item for _, item in page]})


def _seconds(item: dict[str, Any]) -> float:
    return datetime.fromisoformat(item["created_at"]).timestamp()

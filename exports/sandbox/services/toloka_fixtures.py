"""What the Toloka stand-in declares, its projects and pools, its answers, and how its lists are filtered and paged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exports.sandbox.declaration import Declaration, DemoExport
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.jobs import Job, JobView
from exports.sandbox.request_parsing import Request

DECLARATION = Declaration(
    slug="toloka",
    label="Toloka",
    secrets={"token": "sandbox-token", "scheme": "OAuth"},
    credentials_text="token `sandbox-token`, as `ApiKey` or `OAuth`",
    project_id="10",
    project_name="Street signs",
    exports=(DemoExport("archive", "none"),),
    fault_project_id="1{:02}",
    well_behaved=("11", "12"),
    # Ids are texts anyway.
    faults_without_field=frozenset((("list", "id_as_text"), ("submit", "id_as_text"), ("poll", "id_as_text"))),
    # Per second; no header tells it.
    limits={"all": 300},
    limit_window=1.0,
)
CODES = {
    400: ("VALIDATION_ERROR", "Validation failed"),
    401: ("AUTHENTICATION_ERROR", "Authentication failed"),
    403: ("ACCESS_DENIED", "Access denied"),
    404: ("DOES_NOT_EXIST", "This object does not exist"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    409: ("CONFLICT_STATE", "Conflicting state"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    500: ("INTERNAL_ERROR", "Internal error"),
    503: ("REMOTE_SERVICE_UNAVAILABLE", "Remote service unavailable"),
}
# The part of an operation's duration after which it is running.
PENDING_SHARE = 0.15
DEFAULT_LIMIT, MAX_LIMIT = 50, 300
FILTERS = ("gt", "gte", "lt", "lte")


@dataclass(slots=True)
class Pool:
    """A pool or a training of a project; `refuses` is the conflict its archiving answers with, if any."""

    id: str
    project: str
    status: str
    training: bool = False
    refuses: str = ""


@dataclass(slots=True)
class Project:
    """A project. `habit` names what is special about its archiving: `at_once`, `no_content`, `fails` or `strict`."""

    id: str
    name: str
    about: str = ""
    status: str = "ACTIVE"
    habit: str = ""


def make_projects() -> dict[str, Project]:
    """All projects in their initial state, by id."""
    rows = [
        Project("10", "Street signs", "well-behaved; its pools are archived"),
        Project("11", "Cats or dogs", "well-behaved, no pools"),
        Project("12", "Shop receipts", "well-behaved, no pools"),
        Project("20", "Already tidy", "archiving answers SUCCESS at once", habit="at_once"),
        Project("21", "Archived long ago", "archiving answers 204 without a body", "ARCHIVED", "no_content"),
        Project("22", "Speech samples", "two closed pools and a closed training: archive_pools can work"),
        Project("23", "Live survey", "an open pool: 409 UNARCHIVED_POOLS_CONFLICT"),
        Project("24", "Bad luck", "the operation ends as FAIL with raw details", habit="fails"),
        Project("25", "Archived, strict", "already archived: 409 PROJECT_INAPPROPRIATE_STATUS", "ARCHIVED", "strict"),
        Project("26", "Strict", "can be archived once; then 409 PROJECT_INAPPROPRIATE_STATUS", habit="strict"),
        Project("27", "Locked", "a locked pool: POOL_LOCKED_BY_ANOTHER_OPERATION"),
        Project("28", "Rejected answers", "a closed pool with rejected tasks: THERE_IS_REJECTED_ASSIGNMENT"),
        Project("29", "Unreviewed answers", "a closed pool with open reviews: SUBMITTED_ASSIGNMENTS_CONFLICT"),
        *(Project(str(number), f"Picture labels {number}") for number in range(30, 60)),
        *(Project(DECLARATION.fault_project(row.number), f"Fault: {row.name}") for row in fault_projects(DECLARATION)),
    ]
    return {row.id: row for row in rows}


def make_pools() -> dict[str, Pool]:
    """All pools and trainings in their initial state, by id."""
    rows = [
        Pool("1001", "10", "ARCHIVED"),
        Pool("1002", "10", "ARCHIVED"),
        Pool("2201", "22", "CLOSED"),
        Pool("2202", "22", "CLOSED"),
        Pool("2203", "22", "ARCHIVED"),
        Pool("2209", "22", "CLOSED", training=True),
        Pool("2301", "23", "OPEN"),
        Pool("2302", "23", "CLOSED"),
        Pool("2701", "27", "LOCKED", refuses="POOL_LOCKED_BY_ANOTHER_OPERATION"),
        Pool("2801", "28", "CLOSED", refuses="THERE_IS_REJECTED_ASSIGNMENT"),
        Pool("2901", "29", "CLOSED", refuses="SUBMITTED_ASSIGNMENTS_CONFLICT"),
    ]
    return {row.id: row for row in rows}


def make_assignments() -> list[dict[str, Any]]:
    """Workers' answers as the API shows them, of pools with results."""
    return [
        {
            "id": f"{pool}--{number}",
            "pool_id": pool,
            "status": status,
            "created": "2023-05-05T10:00:00",
            "tasks": [{"id": f"{pool}-{number}", "input_values": {"text": "stand-in"}}],
            "solutions": [{"output_values": {"result": "stand-in"}}],
        }
        for pool, statuses in (
            ("1001", ("ACCEPTED", "REJECTED")),
            ("2201", ("ACCEPTED", "REJECTED")),
            ("2901", ("SUBMITTED",)),
        )
        for number, status in enumerate(statuses)
    ]


def project_json(project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    text = {"type": "string", "required": False, "hidden": False}
    return {
        "id": project.id,
        "status": project.status,
        "public_name": f"{project.name} (stand-in)",
        "public_description": "A project of a stand-in, not of the real service",
        "private_comment": project.about or "stand-in",
        "public_instructions": "None",
        "created": "2023-05-04T08:15:30.123",
        "owner": {"id": "stand-in-requester", "myself": True, "company_id": "1"},
        "assignments_issuing_type": "AUTOMATED",
        "task_spec": {
            "input_spec": {"text": text},
            "output_spec": {"result": text},
            "view_spec": {"type": "classic", "markup": "{{text}}", "script": "", "styles": "", "assets": {}},
        },
    }


def pool_json(pool: Pool) -> dict[str, Any]:
    """A pool or training as the API shows it."""
    shown = {
        "id": pool.id,
        "project_id": pool.project,
        "private_name": f"Stand-in {'training' if pool.training else 'pool'} {pool.id}",
        "status": pool.status,
        "created": "2023-05-04T09:00:00",
        "may_contain_adult_content": False,
    }
    if pool.training:
        return {**shown, "training_tasks_in_task_suite_count": 1, "task_suites_required_to_pass": 1}
    return {
        **shown,
        "last_started": "2023-05-05T09:00:00.1",
        "last_stopped": None if pool.status == "OPEN" else "2023-05-06T09:00:00",
        "last_close_reason": None if pool.status == "OPEN" else "COMPLETED",
        "reward_per_assignment": 0.01,
        "assignment_max_duration_seconds": 600,
        "will_expire": "2033-05-04T09:00:00",
    }


def operation_json(job: Job, view: JobView) -> dict[str, Any]:
    """An operation as the API shows it."""
    running = "RUNNING" if view.progress > PENDING_SHARE else "PENDING"
    status = view.word or {"": running, "done": "SUCCESS"}.get(view.end, "FAIL")
    project = "999999" if view.other else job.project
    shown: dict[str, Any] = {
        "id": job.id,
        "type": job.kind,
        "status": status,
        "submitted": format_time(job.made_at),
    }
    if view.progress > PENDING_SHARE:
        shown["started"] = format_time(job.made_at + job.seconds * PENDING_SHARE)
    if view.end:
        shown["finished"] = format_time(job.ends_at)
    shown["progress"] = 100 if view.end else int(view.progress * 100)
    name = {"POOL": "pool_id", "TRAINING": "training_id"}.get(job.kind.partition(".")[0])
    shown["parameters"] = {name: job.options["thing"]} if name else {"project_id": project}
    if status == "FAIL":
        shown["details"] = {"stand-in": True, "reason": "Could not archive", "failed_at_step": 3}
    return shown


def format_time(when: float) -> str:
    """A time as the API writes it: UTC, no zone, three digits of a second."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")


def _rank(value: object) -> tuple[int, int, str]:
    """A sort key: numbers, also those in text, by value and before everything else, which sorts by its text."""
    text = str(value)
    return (0, int(text), "") if text.isdecimal() and len(text) < 20 else (1, 0, text)


def list_page(items: Iterable[Mapping[str, Any]], call: Request, equal: Sequence[str]) -> dict[str, Any]:
    """One page: filtered by the fields in `equal` and by bounds on id and times, then sorted and cut."""
    kept = list(items)
    for name, wanted in call.query.items():
        field, _, relation = name.rpartition("_")
        if name in equal:
            options = wanted.split(",")
            kept = [item for item in kept if str(item.get(name)) in options]
        elif relation in FILTERS and field in ("id", "created", "submitted", "finished", "started"):
            kept = [item for item in kept if item.get(field) is not None and _within(item[field], relation, wanted)]
    for part in reversed([part for part in call.query.get("sort", "id").split(",") if part]):
        kept = _sorted(kept, part.lstrip("-"), part.startswith("-"))
    size = max(1, min(MAX_LIMIT, call.query_int("limit", DEFAULT_LIMIT)))
    return {"items": kept[:size], "has_more": len(kept) > size}


def _sorted(items: list[Mapping[str, Any]], field: str, backwards: bool) -> list[Mapping[str, Any]]:
    """The items by this field, then by id in the same direction, since ids rise among jobs of one moment."""
    return sorted(items, key=lambda item: (_rank(item.get(field, "")), _rank(item["id"])), reverse=backwards)


def _within(value: object, relation: str, bound: str) -> bool:
    rank, bound_rank = _rank(value), _rank(bound)
    if relation.startswith("g"):
        return rank > bound_rank or (relation == "gte" and rank == bound_rank)
    return rank < bound_rank or (relation == "lte" and rank == bound_rank)

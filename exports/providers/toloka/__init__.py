"""Toloka: moves a project to its archive, which changes it there and yields no file. Operations are polled by id.

Source: https://toloka.ai/docs/api/ (project archive, operations, requester, access).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from exports.providers import contract, paged_lists, parsing, project_ids
from exports.providers.contract import Accepted, Job, PreflightResult, RemoteProject, SecretField, Status
from exports.providers.toloka import archiving, errors, options, pools, results, tokens
from exports.providers.toloka import operations as api
from exports.transport.client import Client
from exports.transport.errors import ProviderError


class Toloka(contract.Provider):
    slug = "toloka"
    label = "Toloka"
    icon, hue = "tag", "teal"
    docs = "https://toloka.ai/docs/api/"
    origins: ClassVar = {"production": "https://toloka.dev", "sandbox": "https://sandbox.toloka.dev"}
    origin_notes: ClassVar = {"sandbox": "Toloka's sandbox has been unavailable since 1 July 2024."}
    secrets = (
        SecretField("token", "API key or OAuth token", "API keys do not expire, and work in production only."),
        SecretField(
            "scheme", "Kind of token", "Empty: told by the token's shape.", False, tokens.SCHEMES, is_public=True
        ),
    )
    kinds = (
        contract.Kind(
            type="archive",
            label="Archive project",
            formats=("none",),
            options=options.ArchiveOptions,
            deadline=timedelta(hours=1),
            cost="Archives the project at Toloka. No undo, no file.",
            poll_interval=contract.PollInterval(initial=1.0),
            effect="changes",
        ),
    )
    status_map: ClassVar = api.STATUS_MAP
    limits: ClassVar = {"normal": (300, 1.0)}
    project_help = "The project's number, as in its address: …/requester/project/NUMBER."
    project_pattern, project_id = r"/project/(\d+)", project_ids.WHOLE_NUMBER
    lists_projects = True
    cancel_note = "Toloka can't cancel a job: the project may still be archived."

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        return super().secret_problems({**secrets, "token": tokens.split_scheme(secrets.get("token", ""))[1]})

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": tokens.authorization(client.secrets)}

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        return errors.error_from_response(status, body)

    def is_own_error(self, body: object) -> bool:
        return bool(parsing.text(parsing.below(body, "code")))

    def prepare(self, client: Client, job: Job) -> contract.Ready | contract.NotYet:
        status = api.project_status(client, job.project)
        if (
            job.options.get("archive_pools")
            and status != "ARCHIVED"
            and (wait := archiving.archive_closed(client, job))
        ):
            return wait
        known = [parsing.text(row["id"]) for row in api.list_archive_operations(client, job.project)]
        return contract.Ready({"status": status, "operations": known})

    def submit(self, client: Client, job: Job) -> Accepted:
        return archiving.archive_project(client, job)

    def find(self, client: Client, job: Job) -> Accepted | contract.Absent:
        """An operation that is not in the baseline is the job; so is a project that is archived now."""
        rows = {parsing.text(row["id"]): row for row in api.list_archive_operations(client, job.project)}
        for id_ in paged_lists.new_ids(rows, job.baseline.get("operations", ()), job):
            return api.parse_operation(rows[id_], job.project)
        return api.ARCHIVED if api.project_status(client, job.project) == "ARCHIVED" else contract.Absent()

    def poll(self, client: Client, job: Job) -> Status:
        """GET /operations/:id; without an id (the project was already archived), GET /projects/:id."""
        if not job.remote_id:
            status = api.project_status(client, job.project)
            return api.ARCHIVED.status if status == "ARCHIVED" else Status("running", status)
        body = client.get(f"{api.API_PREFIX}/operations/{parsing.job_segment(job.remote_id, self.label)}").body
        return api.parse_operation(body, job.project, job.remote_id).status

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask whose token it is", lambda: tokens.describe_requester(client)))

    def projects(self, client: Client) -> Sequence[RemoteProject]:
        path = f"{api.API_PREFIX}/projects"
        keep = paged_lists.texts("id", "public_name", "status")
        rows = paged_lists.collect_entries(client, path, api.PAGE_PARAMETERS, "items", api.NEXT_PAGE, keep)
        found = [RemoteProject(row["id"], row["public_name"] or row["id"], row["status"]) for row in rows]
        return paged_lists.as_complete_as(rows, found)

    def preflight(self, client: Client, job: Job) -> Sequence[PreflightResult]:
        if api.project_status(client, job.project) == "ARCHIVED":
            return [PreflightResult(True, "The project is already archived; nothing would change.")]
        archives_pools = bool(job.options.get("archive_pools"))
        lists = ("pools", "trainings") if archives_pools else ("pools",)
        listed = pools.list_all(client, job.project, *lists)
        return [pools.advise(pools.unarchived_of(listed), archives_pools), *results.advise(client, listed)]

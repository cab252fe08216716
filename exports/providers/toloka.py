"""Toloka: moves a project to its archive, which changes it there and yields no file. Operations are polled by id.

Source: https://toloka.ai/docs/api/ (project archive, operations, requester, access).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from django import forms

from exports.providers import contract, paged_lists, parsing, project_ids
from exports.providers import toloka_api as api
from exports.providers import toloka_pools as pools
from exports.providers.contract import Accepted, Job, PreflightResult, RemoteProject, SecretField, Status
from exports.providers.fields import OptionalBooleanField
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.errors import RefusedError

SCHEMES: Final = (("ApiKey", "ApiKey"), ("OAuth", "OAuth"))
# Whether archiving an archived project answers 204 or a conflict is not documented; both mean the same.
ALREADY_ARCHIVED: Final = Accepted("", Status("done", "ARCHIVED", 100.0, note="The project was already archived."))
ARCHIVED: Final = Accepted("", Status("done", "ARCHIVED", 100.0, note="The project is archived."))


class ArchiveOptions(forms.Form):
    """The portal's own option; Toloka's call takes none."""

    archive_pools = OptionalBooleanField(
        label="Archive closed pools first",
        unset="No",
        help_text="And closed trainings. This cannot be undone. The portal never closes an open pool.",
    )


class Toloka(contract.Provider):
    slug = "toloka"
    label = "Toloka"
    docs = "https://toloka.ai/docs/api/"
    origins: ClassVar = {"production": "https://toloka.dev", "sandbox": "https://sandbox.toloka.dev"}
    origin_notes: ClassVar = {"sandbox": "Toloka's sandbox has been unavailable since 1 July 2024."}
    secrets = (
        SecretField("token", "API key or OAuth token", "API keys do not expire, and work in production only."),
        SecretField("scheme", "Kind of token", "Empty: told by the token's shape.", False, SCHEMES, is_public=True),
    )
    kinds = (
        contract.Kind(
            type="archive",
            label="Move to the archive",
            formats=("none",),
            options=ArchiveOptions,
            deadline=timedelta(hours=1),
            cost="Changes the project at Toloka, where it cannot be undone. It yields no file.",
            poll_interval=contract.PollInterval(initial=1.0),
            effect="changes",
        ),
    )
    status_map: ClassVar = api.STATUS_MAP
    limits: ClassVar = {"normal": (300, 1.0)}
    project_help = "The project's number, as in its address: …/requester/project/NUMBER."
    project_pattern, project_id = r"/project/(\d+)", project_ids.WHOLE_NUMBER
    lists_projects = True
    cancel_note = "Toloka has no way to cancel: the project may still be archived; the portal stops watching."

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        return super().secret_problems({**secrets, "token": _split_scheme(secrets.get("token", ""))[1]})

    def headers(self, client: Client) -> dict[str, str]:
        """The scheme by the token's shape, as in Toloka's clients: an API key has two dots, the first at 22 to 24."""
        written, token = _split_scheme(client.secrets["token"])
        shape = "ApiKey" if token.count(".") == 2 and 22 <= token.index(".") <= 24 else "OAuth"
        return {"Authorization": f"{client.secrets.get('scheme') or written or shape} {token}"}

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        return api.error_from_response(status, body)

    def is_own_error(self, body: object) -> bool:
        return bool(parsing.text(parsing.mapping(body).get("code")))

    def prepare(self, client: Client, job: Job) -> contract.Ready | contract.NotYet:
        status = api.project_status(client, job.project)
        if job.options.get("archive_pools") and status != "ARCHIVED" and (wait := pools.archive_closed(client, job)):
            return wait
        known = [parsing.text(row["id"]) for row in api.list_archive_operations(client, job.project)]
        return contract.Ready({"status": status, "operations": known})

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /projects/:id/archive, without a body: 202 (or 200) with the operation."""
        path = f"{api.API_PREFIX}/projects/{parsing.path_segment(job.project, self.label)}/archive"
        try:
            answer = client.post(path, creates=True)
        except RefusedError as refusal:
            if refusal.code != "precondition":
                raise
            if refusal.provider_status == "UNARCHIVED_POOLS_CONFLICT":
                sentence = refusal.message + pools.describe_unarchived(client, job.project)
                raise RefusedError(sentence, code="precondition", provider_status=refusal.provider_status) from None
            if api.project_status(client, job.project) != "ARCHIVED":
                raise
            return ALREADY_ARCHIVED
        if answer.status == 204 and api.project_status(client, job.project) == "ARCHIVED":
            return ALREADY_ARCHIVED
        return api.parse_operation(answer.body, job.project)

    def find(self, client: Client, job: Job) -> Accepted | contract.Absent:
        """An operation that is not in the baseline is the job; so is a project that is archived now."""
        known = {*job.baseline.get("operations", ()), *job.watched_ids}
        for row in api.list_archive_operations(client, job.project):
            if parsing.text(row["id"]) not in known:
                return api.parse_operation(row, job.project)
        return ARCHIVED if api.project_status(client, job.project) == "ARCHIVED" else contract.Absent()

    def poll(self, client: Client, job: Job) -> Status:
        """GET /operations/:id; without an id (the project was already archived), GET /projects/:id."""
        if not job.remote_id:
            status = api.project_status(client, job.project)
            return ARCHIVED.status if status == "ARCHIVED" else Status("running", status)
        body = client.get(f"{api.API_PREFIX}/operations/{parsing.job_segment(job.remote_id, self.label)}").body
        return api.parse_operation(body, job.project, job.remote_id).status

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask whose token it is", lambda: api.describe_requester(client)))

    def projects(self, client: Client) -> Sequence[RemoteProject]:
        path = f"{api.API_PREFIX}/projects"
        next_page, keep = paged_lists.next_by_last_id, paged_lists.texts("id", "public_name", "status")
        rows = paged_lists.collect_entries(client, path, api.PAGE_PARAMETERS, "items", next_page, keep)
        return [RemoteProject(row["id"], row["public_name"] or row["id"], row["status"]) for row in rows]

    def preflight(self, client: Client, job: Job) -> Sequence[PreflightResult]:
        if api.project_status(client, job.project) == "ARCHIVED":
            return [PreflightResult(True, "The project is already archived; nothing would change.")]
        archives_pools = bool(job.options.get("archive_pools"))
        lists = ("pools", "trainings") if archives_pools else ("pools",)
        unarchived = pools.list_unarchived(client, job.project, *lists)
        if stuck := [pool for pool in unarchived if not (archives_pools and pool.status == "CLOSED")]:
            count = pools.count_by_status(stuck)
            return [PreflightResult(False, f"Not archived yet: {count}. Toloka archives a project only after them.")]
        if not unarchived:
            return [PreflightResult(True, "All pools are archived.")]
        return [PreflightResult(True, f"Archived first: {pools.count_by_status(unarchived)}.")]


def _split_scheme(value: str) -> tuple[str, str]:
    """Scheme and token of "ApiKey TOKEN" or "OAuth TOKEN", as people copy them from a header; else "" and all of it."""
    word, _, token = value.partition(" ")
    scheme = {name.lower(): name for name, _ in SCHEMES}.get(word.lower(), "")
    return (scheme, token.strip()) if scheme and token else ("", value)

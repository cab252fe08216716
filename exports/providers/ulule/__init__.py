"""Ulule: the orders of a crowdfunding project. Source: https://developers.ulule.com, export, authentication, errors."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers import contract, paged_lists, parsing, project_ids, refusals
from exports.providers.contract import Accepted, Job, RemoteProject, SecretField, Status
from exports.providers.ulule import errors, exports, lists
from exports.providers.ulule.options import PRESETS, OrdersOptions
from exports.transport.client import Client
from exports.transport.errors import CredentialError, ProviderError
from exports.transport.provider_api import Grant

OAUTH_FIELDS: Final = ("client_id", "client_secret", "refresh_token")
COST: Final = "Ulule also mails the file to the project's owner, each time."
OWNER_HINT: Final = "This credential cannot create exports; by Ulule's documents the project's owner can, by OAuth2."
NOT_OWNER: Final = contract.PreflightResult(False, "The credential is not the project's owner, so Ulule will refuse.")


class Ulule(contract.Provider):
    slug = "ulule"
    label = "Ulule"
    icon, hue = "heart", "pink"
    docs = "https://developers.ulule.com/"
    origins: ClassVar = {"production": "https://api.ulule.com"}
    secrets = (
        SecretField("api_key", "API key", "Reads; by Ulule's documents, making an export takes OAuth2.", False),
        SecretField("client_id", "OAuth2 client id", "All three of OAuth2, or the API key.", False),
        SecretField("client_secret", "OAuth2 client secret", required=False),
        SecretField("refresh_token", "OAuth2 refresh token", required=False),
    )
    kinds = (
        contract.Kind("orders", "Orders", ("csv", "xlsx"), OrdersOptions, timedelta(hours=6), COST, presets=PRESETS),
    )
    status_map: ClassVar[Mapping[str, contract.JobState]] = {
        **{"waiting": "running", "processing": "running", "succeeded": "done", "failed": "failed"},
        **{"canceled": "canceled", "cancelled": "canceled"},  # The documents spell it both ways.
    }
    project_help = "The project's number. Only its owner can export it."
    lists_projects, project_pattern, project_id = True, r"/projects/(\d+)", project_ids.WHOLE_NUMBER
    cancel_note = "Ulule can't cancel a job: it may still finish and mail the file."

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        problems, filled = super().secret_problems(secrets), [name for name in OAUTH_FIELDS if secrets.get(name)]
        if bool(filled) == bool(secrets.get("api_key")):
            problems["api_key"] = ["Give either this or all three fields of OAuth2."]
        elif filled:
            problems |= {name: ["OAuth2 needs all three fields."] for name in OAUTH_FIELDS if name not in filled}
        return problems

    def headers(self, client: Client) -> dict[str, str]:
        """Before version 2020-10-07 Ulule answered bad credentials with the public view (overview/versions)."""
        key = client.secrets.get("api_key")
        return {"Authorization": f"APIKey {key}" if key else f"Bearer {client.token()}", "Ulule-Version": "2020-11-10"}

    def fetch_token(self, client: Client) -> Grant:
        """POST /oauth2/token/: a token for 10 hours; a new refresh token replaces the old (authentication/oauth2)."""
        client_id, client_secret, refresh_token = (client.secrets.get(name, "") for name in OAUTH_FIELDS)
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        with refusals.refusal_as_credential_error("Ulule refuses the OAuth2 client or its refresh token."):
            body = parsing.mapping(client.post_form("/oauth2/token/", form, (client_id, client_secret)).body)
        token, rotated = parsing.header_token(body.get("access_token")), body.get("refresh_token")
        changed = {"refresh_token": parsing.header_token(rotated)} if rotated and rotated != refresh_token else {}
        return Grant.lasting(token, parsing.integer(body.get("expires_in")), 36_000, changed)

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        return errors.error_from_response(status, body)

    def is_own_error(self, body: object) -> bool:
        """A list of errors, or one of them; the token endpoint answers as OAuth2 says (RFC 6749 §5.2)."""
        items = body if isinstance(body, list) else [body]
        return any({"classification", "error"} & parsing.mapping(item).keys() for item in items)

    def prepare(self, client: Client, job: Job) -> contract.Ready:
        return contract.Ready(exports.read_baseline(client, job))

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /v1/projects/:id/exports (reference/export)."""
        body = parsing.without_empty({"type": job.type, "format": job.format, "columns": job.options.get("columns")})
        try:
            answer = client.post(exports.project_path(job, "/exports"), body, creates=True).body
        except CredentialError as problem:
            raise refusals.amended(problem, f"{problem.message} {OWNER_HINT}") from None
        row = exports.parse_own(answer, job)
        return Accepted(parsing.remote_id(row["id"]), exports.read_status(row, self.map_status))

    def find(self, client: Client, job: Job) -> Accepted | contract.Absent | contract.Unknown:
        """An export in the project's list that was not there before the request."""
        found = exports.find_new(client, job)
        if isinstance(found, contract.Absent | contract.Unknown):
            return found
        return Accepted(found["id"], exports.read_status(found, self.map_status))

    def poll(self, client: Client, job: Job) -> Status:
        """GET /v1/exports/:id, not below the project (reference/export)."""
        answer = client.get(f"/v1/exports/{parsing.job_segment(job.remote_id, self.label)}").body
        return exports.read_status(exports.parse_own(answer, job), self.map_status)

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        token = () if client.secrets.get("api_key") else (("Fetch a token", lambda: parsing.renew_token(client)),)
        account = ("See whose it is", lambda: parsing.text(parsing.parse_account(client.get("/v1/me")).get("username")))
        projects = ("List the projects", lambda: f"{len(self.projects(client))} found")
        return parsing.run_check_steps(*token, account, projects)

    def projects(self, client: Client) -> Sequence[RemoteProject]:
        user = parsing.path_segment(parsing.text(parsing.parse_account(client.get("/v1/me"))["id"]), self.label)
        rows = lists.list_projects(client, user)
        return paged_lists.as_complete_as(rows, [RemoteProject(row["id"], row["name"] or row["id"]) for row in rows])

    def preflight(self, client: Client, job: Job) -> Sequence[contract.PreflightResult]:
        project = parsing.mapping(client.get(exports.project_path(job), {"extra_fields": "user_role"}).body)
        return () if project.get("user_role", "owner") == "owner" else [NOT_OWNER]

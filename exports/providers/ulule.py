"""Ulule: the orders of a crowdfunding project. Source: https://developers.ulule.com, export, authentication, errors."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError

from exports.providers import contract, parsing, project_ids
from exports.providers import ulule_exports as api
from exports.providers.contract import Accepted, Job, RemoteProject, SecretField, Status
from exports.providers.fields import StringMapField
from exports.providers.paged_lists import collect_linked_pages
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.provider_api import Grant

OAUTH_FIELDS: Final = ("client_id", "client_secret", "refresh_token")
COLUMN_ID: Final = re.compile(
    r"order\.(id|total|tracking\.(source|medium)|payment_method|status|created_at|note)"
    r"|order\.reward\.(id|description|price|quantity|total)|user\.(username|lang|full_name|email)|billing_address\.type"
    r"|(shipping|billing)_address\.(first_name|last_name|entity_name|address_[12]|postal_code|city|state|country)"
)
COST: Final = "Ulule also mails the file to the project's owner, each time."
OWNER_HINT: Final = "This credential cannot create exports; by Ulule's documents the project's owner can, by OAuth2."
NOT_OWNER: Final = contract.PreflightResult(False, "The credential is not the project's owner, so Ulule will refuse.")


class OrdersOptions(forms.Form):
    columns = StringMapField(
        required=False, help_text='Column id to header, like {"order.id": "Number"}. Empty: all columns.'
    )

    def clean_columns(self) -> dict[str, str]:
        columns: dict[str, str] = self.cleaned_data["columns"]
        if unknown := [name for name in columns if not COLUMN_ID.fullmatch(name)]:
            raise ValidationError(f"Ulule has no column {', '.join(unknown)[:200]}; its page on exports lists all 36.")
        return columns


class Ulule(contract.Provider):
    slug = "ulule"
    label = "Ulule"
    docs = "https://developers.ulule.com/"
    origins: ClassVar = {"production": "https://api.ulule.com"}
    secrets = (
        SecretField("api_key", "API key", "Reads; by Ulule's documents, making an export takes OAuth2.", False),
        SecretField("client_id", "OAuth2 client id", "All three of OAuth2, or the API key.", False),
        SecretField("client_secret", "OAuth2 client secret", required=False),
        SecretField("refresh_token", "OAuth2 refresh token", required=False),
    )
    kinds = (contract.Kind("orders", "Orders", ("csv", "xlsx"), OrdersOptions, timedelta(hours=6), COST),)
    status_map: ClassVar[Mapping[str, contract.JobState]] = {
        **{"waiting": "running", "processing": "running", "succeeded": "done", "failed": "failed"},
        **{"canceled": "canceled", "cancelled": "canceled"},  # The documents spell it both ways.
    }
    project_help = "The project's number. Only its owner can export it."
    lists_projects, project_pattern, project_id = True, r"/projects/(\d+)", project_ids.WHOLE_NUMBER
    cancel_note = "Ulule lets no owner cancel: it may still finish and mail the file; the portal stops following it."

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
        with parsing.refusal_as_credential_error("Ulule refuses the OAuth2 client or its refresh token."):
            body = parsing.mapping(client.post_form("/oauth2/token/", form, (client_id, client_secret)).body)
        token, rotated = parsing.header_token(body.get("access_token")), body.get("refresh_token")
        changed = {"refresh_token": parsing.header_token(rotated)} if rotated and rotated != refresh_token else {}
        return Grant.lasting(token, parsing.integer(body.get("expires_in")), 36_000, changed)

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        reasons, classifications = parsing.parse_reasons(body)
        if not reasons or not 400 <= status < 500 or status in parsing.SELF_EXPLAINING_STATUSES:
            return None
        is_denied = "PermissionError" in classifications
        return parsing.refusal_by_status(status, f"Ulule refused: {reasons}", denied=is_denied)

    def is_own_error(self, body: object) -> bool:
        """A list of errors, or one of them; the token endpoint answers as OAuth2 says (RFC 6749 §5.2)."""
        items = body if isinstance(body, list) else [body]
        return any({"classification", "error"} & parsing.mapping(item).keys() for item in items)

    def prepare(self, client: Client, job: Job) -> contract.Ready:
        return contract.Ready(api.read_baseline(client, job))

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /v1/projects/:id/exports (reference/export)."""
        body = parsing.without_empty({"type": job.type, "format": job.format, "columns": job.options.get("columns")})
        with parsing.with_hint(OWNER_HINT):
            row = parsing.parse_own_job(client.post(api.project_path(job, "/exports"), body, creates=True).body, job)
        return Accepted(parsing.remote_id(row["id"]), self._status(row))

    def find(self, client: Client, job: Job) -> Accepted | contract.Absent | contract.Unknown:
        """An export in the project's list that was not there before the request."""
        found = api.find_new(client, job)
        return Accepted(found[0], self._status(found[1])) if isinstance(found, tuple) else found

    def poll(self, client: Client, job: Job) -> Status:
        """GET /v1/exports/:id, not below the project (reference/export)."""
        path = f"/v1/exports/{parsing.job_segment(job.remote_id, self.label)}"
        return self._status(parsing.parse_own_job(client.get(path).body, job))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        token = () if client.secrets.get("api_key") else (("Fetch a token", lambda: parsing.renew_token(client)),)
        account = ("See whose it is", lambda: parsing.text(parsing.parse_account(client.get("/v1/me")).get("username")))
        projects = ("List the projects", lambda: f"{len(self.projects(client))} found")
        return parsing.run_check_steps(*token, account, projects)

    def projects(self, client: Client) -> Sequence[RemoteProject]:
        """GET /v1/users/:id/projects?state=created; a name is an i18n object (reference/project)."""
        path = f"/v1/users/{parsing.parse_account(client.get('/v1/me'))['id']}/projects"
        rows, _ = collect_linked_pages(client, path, "projects", api.keep_name, state="created")
        return [RemoteProject(id_, row["name"] or id_) for id_, row in rows.items()]

    def preflight(self, client: Client, job: Job) -> Sequence[contract.PreflightResult]:
        project = parsing.mapping(client.get(api.project_path(job), {"extra_fields": "user_role"}).body)
        return () if project.get("user_role", "owner") == "owner" else [NOT_OWNER]

    def _status(self, row: Mapping[str, Any]) -> Status:
        word, created_at = parsing.text(row.get("status")), parsing.text(row.get("created_at"))
        state = self.map_status(word)
        link = parsing.first_text(row, "url") if state == "done" else ""
        message = "Ulule made no file, and gives no reason." if state == "failed" else ""
        return Status(state, word, link=link, note=created_at and f"made {created_at}", message=message)

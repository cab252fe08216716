"""Ulule: the orders of a crowdfunding project. Source: https://developers.ulule.com, export, authentication, errors."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError

from exports.providers import contract, paged_lists, parsing
from exports.providers.contract import Accepted, SecretField, Status
from exports.providers.fields import StringMapField
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.provider_api import Grant

NUMERIC_ID: Final = "[1-9][0-9]{0,17}"
OAUTH_FIELDS: Final = ("client_id", "client_secret", "refresh_token")
COLUMN_ID: Final = re.compile(
    r"order\.(id|total|tracking\.(source|medium)|payment_method|status|created_at|note)"
    r"|order\.reward\.(id|description|price|quantity|total)|user\.(username|lang|full_name|email)|billing_address\.type"
    r"|(shipping|billing)_address\.(first_name|last_name|entity_name|address_[12]|postal_code|city|state|country)"
)


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
        SecretField(
            "api_key", "API key", "Reads; by Ulule's documents, making an export takes OAuth2.", required=False
        ),
        SecretField("client_id", "OAuth2 client id", "All three of OAuth2, or the API key.", required=False),
        SecretField("client_secret", "OAuth2 client secret", required=False),
        SecretField("refresh_token", "OAuth2 refresh token", required=False),
    )
    kinds = (
        contract.Kind(
            type="orders",
            label="Orders",
            formats=("csv", "xlsx"),
            options=OrdersOptions,
            deadline=timedelta(hours=6),
            cost="Ulule also mails the file to the project's owner, each time.",
        ),
    )
    status_map: ClassVar[Mapping[str, contract.JobState]] = {
        **{"waiting": "running", "processing": "running", "succeeded": "done", "failed": "failed"},
        **{"canceled": "canceled", "cancelled": "canceled"},  # The documents spell it both ways.
    }
    project_help = "The project's number. Only its owner can export it."
    lists_projects, project_pattern = True, r"/projects/(\d+)"
    cancel_note = "Ulule lets no owner cancel: it may still finish and mail the file; the portal stops following it."

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        problems, given = super().secret_problems(secrets), [name for name in OAUTH_FIELDS if secrets.get(name)]
        if bool(given) == bool(secrets.get("api_key")):
            problems["api_key"] = ["Give either this or all three fields of OAuth2."]
        elif given:
            problems |= {name: ["OAuth2 needs all three fields."] for name in OAUTH_FIELDS if name not in given}
        return problems

    def headers(self, client: Client) -> dict[str, str]:
        """Before version 2020-10-07 bad credentials were not refused: the public view came back (overview/versions)."""
        key = client.secrets.get("api_key")
        return {"Authorization": f"APIKey {key}" if key else f"Bearer {client.token()}", "Ulule-Version": "2020-11-10"}

    def fetch_token(self, client: Client) -> Grant:
        """POST /oauth2/token/: a token for 10 hours; a new refresh token replaces ours (authentication/oauth2)."""
        id_, secret, refresh = (client.secrets.get(name, "") for name in OAUTH_FIELDS)
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        with parsing.refusal_as_credential_error("Ulule refuses the OAuth2 client or its refresh token."):
            body = parsing.mapping(client.post_form("/oauth2/token/", form, (id_, secret)).body)
        token, lasts, new = (
            parsing.header_token(body.get("access_token")),
            body.get("expires_in"),
            body.get("refresh_token"),
        )
        changed = {"refresh_token": parsing.header_token(new)} if new and new != refresh else {}
        return Grant(token, time.time() + (parsing.integer(lasts) or 36_000), changed)

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        said, kinds = parsing.parse_reasons(body)
        if not said or not 400 <= status < 500 or status in parsing.SELF_EXPLAINING_STATUSES:
            return None
        return parsing.refusal_by_status(status, f"Ulule refused: {said}", denied="PermissionError" in kinds)

    def prepare(self, client: Client, job: contract.Job) -> contract.Ready:
        rows, _ = paged_lists.collect_linked_pages(
            client, _path(job, "/exports"), "exports", ours=job.project, limit=20
        )
        return contract.Ready({"last": max(rows, default=0)})

    def submit(self, client: Client, job: contract.Job) -> Accepted:
        """POST /v1/projects/:id/exports (reference/export)."""
        body = parsing.without_empty({"type": job.type, "format": job.format, "columns": job.options.get("columns")})
        with parsing.with_hint(
            "This credential cannot create exports; by Ulule's documents the project's owner can, by OAuth2."
        ):
            answer = client.post(_path(job, "/exports"), body, creates=True)
        row = parsing.parse_own_job(answer.body, job)
        return Accepted(str(row["id"]), self._sight(row))

    def find(self, client: Client, job: contract.Job) -> Accepted | contract.Absent | contract.Unknown:
        """The lowest id above the baseline that no other export of ours watches."""
        rows, whole = paged_lists.collect_linked_pages(
            client, _path(job, "/exports"), "exports", ours=job.project, limit=20
        )
        last = job.baseline.get("last", float("inf"))
        new = [
            id_
            for id_, row in rows.items()
            if id_ > last and str(id_) not in job.watched_ids and parsing.matches_request(row, job)
        ]
        if new:
            return Accepted(str(min(new)), self._sight(rows[min(new)]))
        proven = whole and "last" in job.baseline
        return (
            contract.ABSENT_UNTIL_SECOND_SEARCH
            if proven
            else contract.Unknown("Ulule's list does not prove whether the export was made.")
        )

    def poll(self, client: Client, job: contract.Job) -> Status:
        """GET /v1/exports/:id, not below the project (reference/export)."""
        id_ = parsing.path_segment(job.remote_id, "an export at Ulule", NUMERIC_ID)
        return self._sight(parsing.parse_own_job(client.get(f"/v1/exports/{id_}").body, job))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        token = () if client.secrets.get("api_key") else (("Fetch a token", lambda: parsing.renew_token(client)),)
        whose = ("See whose it is", lambda: parsing.text(parsing.parse_account(client.get("/v1/me")).get("username")))
        return parsing.run_check_steps(
            *token, whose, ("List the projects", lambda: f"{len(self.projects(client))} found")
        )

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        """GET /v1/users/:id/projects?state=created; a name is an i18n object (reference/project)."""
        me = parsing.parse_account(client.get("/v1/me"))
        rows, _ = paged_lists.collect_linked_pages(
            client, f"/v1/users/{me['id']}/projects", "projects", state="created"
        )
        return [
            contract.RemoteProject(str(id_), parsing.localized_text(row.get("name"), f"{id_}"))
            for id_, row in rows.items()
        ]

    def preflight(self, client: Client, job: contract.Job) -> Sequence[contract.PreflightResult]:
        project = parsing.mapping(client.get(_path(job), {"extra_fields": "user_role"}).body)
        owned = project.get("user_role", "owner") == "owner"
        return (
            ()
            if owned
            else [contract.PreflightResult(False, "The credential is not the project's owner, so Ulule will refuse.")]
        )

    def _sight(self, row: Mapping[str, Any]) -> Status:
        word, made = parsing.text(row.get("status")), parsing.text(row.get("created_at"))
        state, link = self.map_status(word), parsing.first_text(row, "url")
        message = "Ulule made no file, and gives no reason." if state == "failed" else ""
        return Status(state, word, link=link if state == "done" else "", note=made and f"made {made}", message=message)


def _path(job: contract.Job, tail: str = "") -> str:
    return f"/v1/projects/{parsing.path_segment(job.project, 'a project at Ulule (it is a number)', NUMERIC_ID)}{tail}"

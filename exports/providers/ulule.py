"""Ulule: the orders of a crowdfunding project. Source: https://developers.ulule.com, export, authentication, errors."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError

from exports.providers import base, errors, lists, read
from exports.providers.base import Accepted, Secret, Sight
from exports.providers.fields import StringMap
from exports.providers.http import Client

NUMBER: Final = "[1-9][0-9]{0,17}"
OAUTH: Final = ("client_id", "client_secret", "refresh_token")
COLUMN: Final = re.compile(
    r"order\.(id|total|tracking\.(source|medium)|payment_method|status|created_at|note)"
    r"|order\.reward\.(id|description|price|quantity|total)|user\.(username|lang|full_name|email)|billing_address\.type"
    r"|(shipping|billing)_address\.(first_name|last_name|entity_name|address_[12]|postal_code|city|state|country)"
)


class OrdersOptions(forms.Form):
    columns = StringMap(
        required=False, help_text='Column id to header, like {"order.id": "Number"}. Empty: all columns.'
    )

    def clean_columns(self) -> dict[str, str]:
        columns: dict[str, str] = self.cleaned_data["columns"]
        if unknown := [name for name in columns if not COLUMN.fullmatch(name)]:
            raise ValidationError(f"Ulule has no column {', '.join(unknown)[:200]}; its page on exports lists all 36.")
        return columns


class Ulule(base.Provider):
    slug = "ulule"
    label = "Ulule"
    docs = "https://developers.ulule.com/"
    origins: ClassVar = {"production": "https://api.ulule.com"}
    secrets = (
        Secret("api_key", "API key", "Reads; by Ulule's documents, making an export takes OAuth2.", required=False),
        Secret("client_id", "OAuth2 client id", "All three of OAuth2, or the API key.", required=False),
        Secret("client_secret", "OAuth2 client secret", required=False),
        Secret("refresh_token", "OAuth2 refresh token", required=False),
    )
    kinds = (
        base.Kind(
            type="orders",
            label="Orders",
            formats=("csv", "xlsx"),
            options=OrdersOptions,
            deadline=timedelta(hours=6),
            cost="Ulule also mails the file to the project's owner, each time.",
        ),
    )
    words: ClassVar[Mapping[str, base.State]] = {
        **{"waiting": "running", "processing": "running", "succeeded": "done", "failed": "failed"},
        **{"canceled": "canceled", "cancelled": "canceled"},  # The documents spell it both ways.
    }
    project_help = "The project's number. Only its owner can export it."
    lists_projects, project_pattern = True, r"/projects/(\d+)"
    cancel_note = "Ulule lets no owner cancel: it may still finish and mail the file; the portal stops following it."

    def clean_secrets(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        problems, given = super().clean_secrets(secrets), [name for name in OAUTH if secrets.get(name)]
        if bool(given) == bool(secrets.get("api_key")):
            problems["api_key"] = ["Give either this or all three fields of OAuth2."]
        elif given:
            problems |= {name: ["OAuth2 needs all three fields."] for name in OAUTH if name not in given}
        return problems

    def headers(self, client: Client) -> dict[str, str]:
        """Before version 2020-10-07 bad credentials were not refused: the public view came back (overview/versions)."""
        key = client.secrets.get("api_key")
        return {"Authorization": f"APIKey {key}" if key else f"Bearer {client.token()}", "Ulule-Version": "2020-11-10"}

    def authorise(self, client: Client) -> base.Grant:
        """POST /oauth2/token/: a token for 10 hours; a new refresh token replaces ours (authentication/oauth2)."""
        id_, secret, refresh = (client.secrets.get(name, "") for name in OAUTH)
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        with read.granting("Ulule refuses the OAuth2 client or its refresh token."):
            body = read.table(client.post_form("/oauth2/token/", form, (id_, secret)).body)
        token, lasts, new = read.token(body.get("access_token")), body.get("expires_in"), body.get("refresh_token")
        changed = {"refresh_token": read.token(new)} if new and new != refresh else {}
        return base.Grant(token, time.time() + (read.whole(lasts) or 36_000), changed)

    def fault(self, status: int, body: object) -> errors.ProviderError | None:
        said, kinds = read.reasons(body)
        if not said or not 400 <= status < 500 or status in read.PLAIN:
            return None
        return read.by_status(status, f"Ulule refused: {said}", denied="PermissionError" in kinds)

    def prepare(self, client: Client, job: base.Job) -> base.Ready:
        rows, _ = lists.pages(client, _path(job, "/exports"), "exports", ours=job.project, limit=20)
        return base.Ready({"last": max(rows, default=0)})

    def submit(self, client: Client, job: base.Job) -> Accepted:
        """POST /v1/projects/:id/exports (reference/export)."""
        body = read.filled({"type": job.type, "format": job.format, "columns": job.options.get("columns")})
        with read.hinting(
            "This credential cannot create exports; by Ulule's documents the project's owner can, by OAuth2."
        ):
            answer = client.post(_path(job, "/exports"), body, makes=True)
        row = read.owned(answer.body, job)
        return Accepted(str(row["id"]), self._sight(row))

    def find(self, client: Client, job: base.Job) -> Accepted | base.Absent | base.Unknown:
        """The lowest id above the baseline that no other export of ours watches."""
        rows, whole = lists.pages(client, _path(job, "/exports"), "exports", ours=job.project, limit=20)
        last = job.baseline.get("last", float("inf"))
        new = [id_ for id_, row in rows.items() if id_ > last and str(id_) not in job.taken and read.alike(row, job)]
        if new:
            return Accepted(str(min(new)), self._sight(rows[min(new)]))
        proven = whole and "last" in job.baseline
        return base.ABSENT_TWICE if proven else base.Unknown("Ulule's list does not prove whether the export was made.")

    def poll(self, client: Client, job: base.Job) -> Sight:
        """GET /v1/exports/:id, not below the project (reference/export)."""
        id_ = read.segment(job.remote_id, "an export at Ulule", NUMBER)
        return self._sight(read.owned(client.get(f"/v1/exports/{id_}").body, job))

    def check(self, client: Client) -> Sequence[base.Check]:
        token = () if client.secrets.get("api_key") else (("Fetch a token", lambda: read.fresh_token(client)),)
        whose = ("See whose it is", lambda: read.text(read.identified(client.get("/v1/me")).get("username")))
        return read.steps(*token, whose, ("List the projects", lambda: f"{len(self.projects(client))} found"))

    def projects(self, client: Client) -> Sequence[base.RemoteProject]:
        """GET /v1/users/:id/projects?state=created; a name is an i18n object (reference/project)."""
        me = read.identified(client.get("/v1/me"))
        rows, _ = lists.pages(client, f"/v1/users/{me['id']}/projects", "projects", state="created")
        return [base.RemoteProject(str(id_), read.localised(row.get("name"), f"{id_}")) for id_, row in rows.items()]

    def preflight(self, client: Client, job: base.Job) -> Sequence[base.Advice]:
        project = read.table(client.get(_path(job), {"extra_fields": "user_role"}).body)
        owned = project.get("user_role", "owner") == "owner"
        return () if owned else [base.Advice(False, "The credential is not the project's owner, so Ulule will refuse.")]

    def _sight(self, row: Mapping[str, Any]) -> Sight:
        word, made = read.text(row.get("status")), read.text(row.get("created_at"))
        state, link = self.state(word), read.link(row, "url")
        message = "Ulule made no file, and gives no reason." if state == "failed" else ""
        return Sight(state, word, link=link if state == "done" else "", note=made and f"made {made}", message=message)


def _path(job: base.Job, tail: str = "") -> str:
    return f"/v1/projects/{read.segment(job.project, 'a project at Ulule (it is a number)', NUMBER)}{tail}"

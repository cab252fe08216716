"""AI Studios (DeepBrain AI): rendered videos; an export goes by its project's id. Source: docs.aistudios.com (v3)."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from django import forms

from exports.providers import aistudios_api as api
from exports.providers import contract, parsing, project_ids
from exports.providers.contract import Accepted, Job, SecretField, Status
from exports.providers.fields import ChoiceField, TextField
from exports.providers.parsing import check_id, first_text, hash_link, hash_text, unwrap_envelope
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from exports.transport.provider_api import Grant

NO_TRACE: Final = contract.Unknown("AI Studios shows no trace of a new export of this project.", may_turn_up=True)


class VideoOptions(forms.Form):
    resolution = ChoiceField(required=False, choices=[("", "Default"), *((s, s) for s in ("4k", "1080", "720", "480"))])
    workspace_id = TextField(label="Workspace", required=False, max_length=200, help_text="Empty: your own workspace.")
    webhook_url = parsing.UrlField(label="Tell this address", required=False, help_text="It hears of the progress.")


class AIStudios(contract.Provider):
    slug = "aistudios"
    label = "AI Studios"
    docs = "https://docs.aistudios.com/"
    origins: ClassVar = {"production": "https://app.aistudios.com", "china": "https://app.aistudios.cn"}
    secrets = (
        SecretField("app_id", "appId", "From https://account.aistudios.com/user/api-key; shown there once only."),
        SecretField("user_key", "userKey", "Shown beside the appId."),
    )
    kinds = (
        contract.Kind(
            type="video",
            label="Rendered video",
            formats=("mp4",),
            options=VideoOptions,
            deadline=timedelta(hours=2),
            cost="Rendering costs credits of your AI Studios account, each time it is asked for.",
            exclusive=True,
            relay_option="webhook_url",
            options_with_choices=("workspace_id",),
        ),
    )
    # Progress and link decide; words only show a bad end. The last three are parts of words, like "export_failed".
    status_map: ClassVar[Mapping[str, contract.JobState]] = {
        **{"exported": "done", "finish": "done"},
        **{"cancel": "canceled", "fail": "failed", "error": "failed"},
    }
    project_help = "The last part of app.aistudios.com/editor/<id>. Only projects exported before can be listed."
    project_pattern, project_id = r"/editor/([\w-]+)", project_ids.OBJECT_ID
    lists_projects = True
    supports_webhooks = True
    cancel_note = "AI Studios cannot cancel: it goes on rendering, and charges; the portal stops following it."

    def map_status(self, word: str) -> contract.JobState:
        word = word.strip().lower()
        return super().map_status(next((part for part in ("cancel", "fail", "error") if part in word), word))

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": client.token()}  # Raw, without "Bearer" (reference/auth).

    def fetch_token(self, client: Client) -> Grant:
        """POST /auth/token. A token lives 24 hours and comes without its expiry (reference/auth)."""
        pair = {"appId": client.secrets["app_id"], "userKey": client.secrets["user_key"]}
        with parsing.refusal_as_credential_error("AI Studios gives no token for this appId and userKey."):
            data = unwrap_envelope(client.post_unauthenticated(f"{api.PREFIX}/auth/token", pair))
        return Grant(parsing.header_token(parsing.mapping(data).get("token")), time.time() + 23 * 3600)

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        return api.error_from_envelope(self.label, status, body)

    def is_own_error(self, body: object) -> bool:
        return parsing.mapping(body).get("success") is False

    def prepare(self, client: Client, job: Job) -> contract.Ready:
        return contract.Ready(api.fingerprint(client, job))

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /editor/project/export. Its answer holds no id but the project's."""
        body = {"projectId": job.project, "webhookUrl": job.webhook_url}
        body |= {"workspaceId": job.options.get("workspace_id", ""), "resolution": job.options.get("resolution", "")}
        answer = client.post(f"{api.PREFIX}/editor/project/export", parsing.without_empty(body), creates=True)
        if not check_id(parsing.mapping(unwrap_envelope(answer)).get("projectId"), job.project):
            raise UnreadableError("AI Studios took the request but named no project.")
        return Accepted(job.project)

    def find(self, client: Client, job: Job) -> Accepted | contract.Unknown:
        """Only another task, or progress that fell from 100, proves that the request was executed."""
        now, before = api.fingerprint(client, job), job.baseline
        moved = before.get("progress") == 100 and now["progress"] not in (None, 100)
        if moved or (before and now["task"] and now["task"] != before.get("task")):
            return Accepted(job.project, Status("running", memo={**job.memo, "moved": True} if moved else None))
        return NO_TRACE

    def poll(self, client: Client, job: Job) -> Status:
        """GET /editor/progress/{id}. At first, word, progress and link may still be those of the previous export."""
        if job.remote_id not in ("", job.project):
            raise NotFoundError(f"At AI Studios an export goes by the id of its project, {job.project}.")
        data = parsing.mapping(api.get_editor(client, "progress", job))
        check_id(data.get("projectId"), job.project)
        progress, word = parsing.percent(data.get("progress")), parsing.text(data.get("state"))
        before = {} if job.memo else job.baseline
        state = self.map_status(word)
        if state in ("failed", "canceled"):
            if word == before.get("state") and api.fingerprint(client, job)["task"] == before.get("task"):
                return Status("running", word, note="still the end of the export before")
            return Status(state, word, progress, message=f"AI Studios ended the export: {word}.")
        link = first_text(data, "downloadUrl", "download_url")
        if progress is None and not (link and data.get("progress") in (None, "")):  # Without a progress a link decides.
            raise UnreadableError("AI Studios answered without a progress.", provider_status=word)
        if progress is not None and progress < 100:
            return Status("running", word, progress, memo={**job.memo, "moved": True})
        # The engine polls a finished job again when the link of an earlier poll has expired.
        if (used := job.memo.get("given")) and (not link or hash_text(link) == used):
            link = first_text(api.get_project(client, job), "download_url") or link
        if not link:
            return Status("running", word, progress, note="100 % without a link")
        if hash_link(link) == before.get("link"):
            return Status("running", word, note="still the file of the export before")
        return Status("done", word, progress, link=link, memo={**job.memo, "given": hash_text(link)})

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        """GET /auth may answer `isAuthenticated: false` with status 200 (reference/auth-confirm)."""
        auth = f"{api.PREFIX}/auth"
        return parsing.run_check_steps(
            ("Fetch a token", lambda: parsing.renew_token(client)),
            ("Use the token", lambda: parsing.require_true(unwrap_envelope(client.get(auth)), "isAuthenticated")),
        )

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        data = unwrap_envelope(client.get(f"{api.PREFIX}/editor/project"))
        return [contract.RemoteProject(*pair) for pair in parsing.id_name_pairs(data, "projects", "id", "name")]

    def choices(self, client: Client, project: str, option: str) -> Sequence[tuple[str, str]]:
        data = unwrap_envelope(client.get(f"{api.PREFIX}/dropdown/workspaces"))
        return parsing.id_name_pairs(data, "workspaces", "workspaceId", "workspaceName")

"""AI Studios (DeepBrain AI): rendered videos; an export goes by its project's id. Source: docs.aistudios.com (v3)."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers import contract, parsing, project_ids, refusals
from exports.providers.aistudios import editor, progress
from exports.providers.aistudios.errors import error_from_envelope
from exports.providers.aistudios.options import VideoOptions
from exports.providers.contract import Accepted, Job, SecretField, Status
from exports.transport.client import Client
from exports.transport.errors import CredentialError, NotFoundError, ProviderError, UnreadableError
from exports.transport.provider_api import Grant

NO_TRACE: Final = contract.Unknown("AI Studios shows no trace of a new export of this project.", may_turn_up=True)


class AIStudios(contract.Provider):
    slug = "aistudios"
    label = "AI Studios"
    icon, hue = "video", "purple"
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
            cost="Rendering costs credits of your AI Studios account, each time.",
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
    project_help = (
        "The last part of the video's address: app.aistudios.com/editor/<id>. AI Studios lists only videos that were"
        " exported before, not by workspace."
    )
    project_pattern, project_id = r"/editor/([\w-]+)", project_ids.OBJECT_ID
    # Only those that were exported before (reference/get-projects).
    lists_projects, lists_all_projects = True, False
    supports_webhooks = True
    cancel_note = "AI Studios keeps rendering and charges for it."

    def map_status(self, word: str) -> contract.JobState:
        word = word.strip().lower()
        return super().map_status(next((part for part in ("cancel", "fail", "error") if part in word), word))

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": client.token()}  # Raw, without "Bearer" (reference/auth).

    def fetch_token(self, client: Client) -> Grant:
        """POST /auth/token. A token lives 24 hours and comes without its expiry (reference/auth)."""
        pair = {"appId": client.secrets["app_id"], "userKey": client.secrets["user_key"]}
        with refusals.refusal_as_credential_error("AI Studios gives no token for this appId and userKey."):
            data = editor.unwrap(client.post_unauthenticated(f"{editor.PREFIX}/auth/token", pair))
        return Grant(parsing.header_token(parsing.mapping(data).get("token")), time.time() + 23 * 3600)

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        return error_from_envelope(self.label, status, body)

    def is_own_error(self, body: object) -> bool:
        return parsing.mapping(body).get("success") is False

    def prepare(self, client: Client, job: Job) -> contract.Ready:
        return contract.Ready(editor.fingerprint(client, job))

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /editor/project/export. Its answer holds no id but the project's."""
        body = {"projectId": job.project, "webhookUrl": job.webhook_url}
        body |= {"workspaceId": job.options.get("workspace_id", ""), "resolution": job.options.get("resolution", "")}
        answer = client.post(f"{editor.PREFIX}/editor/project/export", parsing.without_empty(body), creates=True)
        if not parsing.check_id(parsing.mapping(editor.unwrap(answer)).get("projectId"), job.project):
            raise UnreadableError("AI Studios took the request but named no project.")
        return Accepted(job.project)

    def find(self, client: Client, job: Job) -> Accepted | contract.Unknown:
        """Only another task, or progress that fell from 100, proves that the request was executed."""
        now, before = editor.fingerprint(client, job), job.baseline
        moved = before.get("progress") == 100 and now["progress"] not in (None, 100)
        if moved or (before and now["task"] and now["task"] != before.get("task")):
            return Accepted(job.project, Status("running", memo={**job.memo, "moved": True} if moved else None))
        return NO_TRACE

    def poll(self, client: Client, job: Job) -> Status:
        """GET /editor/progress/{id}."""
        if job.remote_id not in ("", job.project):
            raise NotFoundError(f"At AI Studios an export goes by the id of its project, {job.project}.")
        return progress.read_status(client, job, self.map_status)

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        """GET /auth may answer `isAuthenticated: false` with status 200 (reference/auth-confirm)."""

        def use_token() -> str:
            if parsing.below(editor.unwrap(client.get(f"{editor.PREFIX}/auth")), "isAuthenticated") is not True:
                raise CredentialError("The answer does not say isAuthenticated: true.")
            return ""

        return parsing.run_check_steps(
            ("Fetch a token", lambda: parsing.renew_token(client)), ("Use the token", use_token)
        )

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        return editor.list_projects(client)

    def choices(self, client: Client, project: str, option: str) -> Sequence[tuple[str, str]]:
        return editor.list_workspaces(client)

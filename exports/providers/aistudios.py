"""AI Studios (DeepBrain AI): rendered videos; an export goes by its project's id. Source: docs.aistudios.com (v3)."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms

from exports.providers import base, errors, read
from exports.providers.base import Accepted, Secret, Sight
from exports.providers.errors import NotFoundError, UnreadableError
from exports.providers.fields import Choice, Text
from exports.providers.http import Client

API: Final = "/api/odin/v3"


class VideoOptions(forms.Form):
    resolution = Choice(required=False, choices=[("", "Default"), *((s, s) for s in ("4k", "1080", "720", "480"))])
    workspace_id = Text(label="Workspace", required=False, max_length=200, help_text="Empty: your own workspace.")
    webhook_url = read.WebAddress(label="Tell this address", required=False, help_text="It hears of the progress.")


class AIStudios(base.Provider):
    slug = "aistudios"
    label = "AI Studios"
    docs = "https://docs.aistudios.com/"
    origins: ClassVar = {"production": "https://app.aistudios.com", "china": "https://app.aistudios.cn"}
    secrets = (
        Secret("app_id", "appId", "From https://account.aistudios.com/user/api-key; shown there once only."),
        Secret("user_key", "userKey", "Shown beside the appId."),
    )
    kinds = (
        base.Kind(
            type="video",
            label="Rendered video",
            formats=("mp4",),
            options=VideoOptions,
            deadline=timedelta(hours=2),
            cost="Rendering costs credits of your AI Studios account, each time it is asked for.",
            alone=True,
            relay="webhook_url",
            pickers=("workspace_id",),
        ),
    )
    # Progress and link decide, words only tell a bad end: the last three are parts of likely ones ("export_failed").
    words: ClassVar = {"exported": "done", "finish": "done", "cancel": "canceled", "fail": "failed", "error": "failed"}
    project_help = "The last part of app.aistudios.com/editor/<id>. Only projects exported before can be listed."
    project_pattern = r"/editor/([\w-]+)"
    lists_projects = True
    hooks = True
    cancel_note = "AI Studios cannot cancel: it goes on rendering, and charges; the portal stops following it."

    def state(self, word: str) -> base.State:
        word = word.strip().lower()
        return self.words.get(next((part for part in ("cancel", "fail", "error") if part in word), word), "unknown")

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": client.token()}  # Raw, without "Bearer" (reference/auth).

    def authorise(self, client: Client) -> base.Grant:
        """POST /auth/token. A token lives 24 hours and comes without its expiry (reference/auth)."""
        pair = {"appId": client.secrets["app_id"], "userKey": client.secrets["user_key"]}
        with read.granting("AI Studios gives no token for this appId and userKey."):
            data = read.unwrap(client.post_open(f"{API}/auth/token", pair))
        return base.Grant(read.token(read.table(data).get("token")), time.time() + 23 * 3600)

    def fault(self, status: int, body: object) -> errors.ProviderError | None:
        """The editor API publishes no codes and comes with any status, so its sentences are read."""
        return read.refusal(self.label, status, body)

    def prepare(self, client: Client, job: base.Job) -> base.Ready:
        return base.Ready(self._seen(client, job))

    def submit(self, client: Client, job: base.Job) -> Accepted:
        """POST /editor/project/export. Its answer holds no id but the project's."""
        wanted = {"projectId": job.project, "webhookUrl": job.hook}
        wanted |= {"workspaceId": job.options.get("workspace_id", ""), "resolution": job.options.get("resolution", "")}
        data = read.unwrap(client.post(f"{API}/editor/project/export", read.filled(wanted), makes=True))
        if not read.same(read.table(data).get("projectId"), job.project):
            raise UnreadableError("AI Studios took the request but named no project.")
        return Accepted(job.project)

    def find(self, client: Client, job: base.Job) -> Accepted | base.Unknown:
        """Only another task, or progress that fell from 100, proves that the request got through."""
        seen, before = self._seen(client, job), job.baseline
        moved = before.get("progress") == 100 and seen["progress"] not in (None, 100)
        if moved or (before and seen["task"] and seen["task"] != before.get("task")):
            return Accepted(job.project, Sight("running", memo={**job.memo, "moved": True} if moved else None))
        return base.Unknown("AI Studios shows no trace of a new export of this project.", look_again=2, seconds=10)

    def poll(self, client: Client, job: base.Job) -> Sight:
        """GET /editor/progress/{id}. At first, word, 100 % and link may still be those of the export before."""
        if job.remote_id not in ("", job.project):
            raise NotFoundError(f"At AI Studios an export goes by the id of its project, {job.project}.")
        data = read.table(read.unwrap(client.get(f"{API}/editor/progress/{read.segment(job.project, self.label)}")))
        read.same(data.get("projectId"), job.project)
        progress, word = read.percent(data.get("progress")), read.text(data.get("state"))
        before = {} if job.memo else job.baseline
        state = self.state(word)
        if state in ("failed", "canceled"):
            if word == before.get("state") and self._seen(client, job)["task"] == before.get("task"):
                return Sight("running", word, note="still the end of the export before")
            return Sight(state, word, progress, message=f"AI Studios ended the export: {word}.")
        if progress is None:
            raise UnreadableError("AI Studios answered without a progress.", word=word)
        if progress < 100:
            return Sight("running", word, progress, memo={**job.memo, "moved": True})
        link = read.link(data, "downloadUrl", "download_url")
        if (given := job.memo.get("given")) and (not link or read.digest(link) == given):  # It was given, and is dead.
            link = read.link(self._project(client, job), "download_url") or link
        if not link:
            return Sight("running", word, progress, note="100 % without a link")
        if read.mark(link) == before.get("link"):
            return Sight("running", word, note="still the file of the export before")
        return Sight("done", word, progress, link=link, memo={**job.memo, "given": read.digest(link)})

    def check(self, client: Client) -> Sequence[base.Check]:
        """GET /auth may answer `isAuthenticated: false` with status 200 (reference/auth-confirm)."""
        return read.steps(
            ("Fetch a token", lambda: read.fresh_token(client)),
            ("Use the token", lambda: read.insist(read.unwrap(client.get(f"{API}/auth")), "isAuthenticated")),
        )

    def projects(self, client: Client) -> Sequence[base.RemoteProject]:
        data = read.unwrap(client.get(f"{API}/editor/project"))
        return [base.RemoteProject(*pair) for pair in read.pairs(data, "projects", "id", "name")]

    def choices(self, client: Client, project: str, option: str) -> Sequence[tuple[str, str]]:
        data = read.unwrap(client.get(f"{API}/dropdown/workspaces"))
        return read.pairs(data, "workspaces", "workspaceId", "workspaceName")

    def _project(self, client: Client, job: base.Job) -> Mapping[str, Any]:
        """GET /editor/project/{id} (reference/get-project)."""
        data = read.unwrap(client.get(f"{API}/editor/project/{read.segment(job.project, self.label)}"))
        project = read.within(data, "project")
        if not project:
            raise NotFoundError(f"AI Studios has no project {job.project}.")
        read.same(project.get("_id") or project.get("id"), job.project)
        return project

    def _seen(self, client: Client, job: base.Job) -> dict[str, Any]:
        """What tells an export from the one before; of the link, which is a secret, only a hash."""
        one = self._project(client, job)
        texts = {"task": one.get("backendTaskId"), "updated": one.get("updatedAt"), "state": one.get("state")}
        progress, link = read.percent(one.get("progress")), read.mark(read.link(one, "download_url"))
        return {**{name: read.text(said) for name, said in texts.items()}, "progress": progress, "link": link}

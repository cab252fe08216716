"""GitLab: a project as the archive that GitLab itself imports; gitlab.com or an installation of one's own.

Source: https://docs.gitlab.com/api/project_import_export/, and where it is silent GitLab's own server (named "server").
There are no ids of jobs: the state belongs to the project and the token's user, whoever asked, also on GitLab's page.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers import contract, parsing
from exports.providers.contract import Absent, Accepted, Job, RemoteProject, SecretField, Status, Unknown
from exports.providers.paged_lists import as_complete_as, collect_numbered_pages
from exports.providers.project_ids import PATH_ID, path_of_id
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError

COST: Final = "GitLab deletes the export that it still keeps of this project, and mails the token's user at the end."
USER: Final = "/api/v4/user"
RUNNING: Final = ("queued", "started", "regeneration_in_progress")
# GitLab makes the job some time after its 202. Until then it may still say what was before: for so many seconds these
# words are not believed, unless a word of RUNNING was seen (server; versions before 11 keep the old file meanwhile).
GRACE_SECONDS: Final = {"none": 600.0, "failed": 600.0, "finished": 60.0}
NO_REASON: Final = "GitLab made no file, and gives no reason here; its mail to the token's user may."
OLD_OR_NEW: Final = "GitLab has an export of this project as before, and does not say when it was made."
BUSY: Final = "An export of this project runs at GitLab already; this one is asked for after it."


class GitLab(contract.Provider):
    slug, label, icon, hue = "gitlab", "GitLab", "box", "orange"
    docs = "https://docs.gitlab.com/api/project_import_export/"
    origins: ClassVar = {"production": "https://gitlab.com"}
    secrets = (SecretField("token", "Access token", "With the scope api, of a Maintainer or Owner of the project."),)
    _pace = contract.PollInterval(initial=10.0)
    _kind = contract.Kind("archive", "Project export", ("tar.gz",), contract.NoOptions, timedelta(hours=8), COST, _pace)
    kinds = (replace(_kind, rate_class="submit", exclusive=True, authorised_download=True),)
    status_map: ClassVar = {**dict.fromkeys(RUNNING, "running"), "finished": "done", "failed": "failed"}
    # Per user, as published; an installation may have others. Its headers tell only of the general limit.
    limits: ClassVar = {"submit": (6, 60.0), contract.DOWNLOAD: (1, 60.0)}
    rate_headers: ClassVar = contract.RateHeaders(limit="", remaining="", reset="RateLimit-Reset")
    project_help = "The project's number or path, like group/project. Its Maintainers and Owners can export it."
    project_id = contract.IdRule(rf"[1-9][0-9]{{0,18}}|{PATH_ID.pattern}", "a number or a path, group/project")
    lists_projects, project_pattern = True, r"^/(.+?)(?:/-(?:/.*)?)?/?$"
    cancel_note = "GitLab can't cancel an export: it may still finish and mail."

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def resolve_project(self, client: Client, project: str) -> RemoteProject:
        """The number of a path: some proxies lose the %2F of paths, and a project that is renamed keeps its number."""
        if project.isdigit():
            return RemoteProject(project, "")
        return _listed(client.get(f"/api/v4/projects/{path_of_id(project)}").body)

    def prepare(self, client: Client, job: Job) -> contract.Ready | contract.NotYet:
        """GET …/export. What somebody else asked for is waited for: another request would delete its file."""
        word = self._word(client, job)
        return contract.NotYet(30.0, BUSY) if word in RUNNING else contract.Ready({"status": word})

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST …/export: 202 with a message, and no id."""
        if not parsing.mapping(client.post(self._path(job), {}, creates=True).body).get("message"):
            raise UnreadableError("GitLab answered without saying that it takes the request.")
        return _accepted(job, "")

    def find(self, client: Client, job: Job) -> Accepted | Absent | Unknown:
        """By the project's state: a request first deletes the old file (server), and then makes a job of any end."""
        before, word = job.baseline.get("status"), self._word(client, job)
        if word == before == "finished":
            return Unknown(OLD_OR_NEW, may_turn_up=True)
        return Absent() if word == before else _accepted(job, word)

    def poll(self, client: Client, job: Job) -> Status:
        """GET …/export. Its `created_at` is the project's own."""
        word, before = self._word(client, job), job.memo.get("before")
        if word in RUNNING:
            return Status("running", word, memo={})
        state = "failed" if word == "none" else self.map_status(word)
        is_doubtful = before and (word == "none" or before in (word, "finished"))
        if is_doubtful and time.time() < job.memo["sent_at"] + GRACE_SECONDS.get(word, 0.0):
            return Status("running", word)
        link = f"{client.origin.rstrip('/')}{self._path(job)}/download" if state == "done" else ""
        return Status(state, word, link=link, message=NO_REASON if state == "failed" else "")

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        account = ("See whose it is", lambda: parsing.text(parsing.parse_account(client.get(USER)).get("username")))
        return parsing.run_check_steps(account, ("List the projects", lambda: f"{len(self.projects(client))} found"))

    def projects(self, client: Client) -> Sequence[RemoteProject]:
        """GET /projects: those where the user is at least a Maintainer (40), in pages that X-Next-Page names."""
        params = {"membership": "true", "simple": "true", "min_access_level": 40, "per_page": 100}
        rows = collect_numbered_pages(client, "/api/v4/projects", params)
        return as_complete_as(rows, [_listed(row) for row in rows])

    def _path(self, job: Job) -> str:
        if not self.project_id.matches(job.project):
            raise NotFoundError(f"GitLab names projects by {self.project_id.words}.")
        return f"/api/v4/projects/{path_of_id(job.project)}/export"

    def _word(self, client: Client, job: Job) -> str:
        row = parsing.mapping(client.get(self._path(job)).body)
        parsing.check_id(row.get("id") if job.project.isdigit() else None, job.project)
        if not (word := parsing.text(row.get("export_status")).lower()):
            raise UnreadableError("GitLab answered without the status of the export.")
        return word


def _listed(row: object) -> RemoteProject:
    if not (id_ := parsing.remote_id(parsing.mapping(row).get("id"))):
        raise UnreadableError("GitLab named a project without its number.")
    return RemoteProject(id_, parsing.text(parsing.mapping(row).get("path_with_namespace")))


def _accepted(job: Job, word: str) -> Accepted:
    now = time.time()  # No other job of the project has it in its name.
    memo = {"sent_at": now, "before": job.baseline.get("status", "")}
    return Accepted(f"{path_of_id(job.project)}-{now:.0f}", Status("running", word, memo=memo))

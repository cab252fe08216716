"""PlayCanvas: whole projects as importable zips, and apps to host oneself. Both are jobs that are polled by id.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the `seed` dialect, the oldest "Download App" page.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Final

from exports.providers import contract, paged_lists, parsing, project_ids
from exports.providers.contract import Job, Status
from exports.providers.playcanvas_options import PARAMETER_NAMES, UNSUPPORTED_OPTIONS, AppOptions, ArchiveOptions
from exports.transport.client import Client
from exports.transport.errors import CredentialError, ProviderError, RefusedError, UnreadableError
from exports.transport.responses import error_text

COST: Final = "Takes one of the 5 exports a minute that PlayCanvas allows (10 with a paid plan)."
# In the order in which clients read them.
LINK_FIELDS: Final = {"archive": ("url", "download_url"), "app": ("download_url", "url")}

_kind = partial(contract.Kind, formats=("zip",), cost=COST, rate_class="strict")


class PlayCanvas(contract.Provider):
    """Jobs cannot be listed, so after a lost answer none can be found, and a person decides."""

    slug = "playcanvas"
    label = "PlayCanvas"
    docs = "https://developer.playcanvas.com/user-manual/api/"
    origins: ClassVar = {"production": "https://playcanvas.com"}
    secrets = (
        contract.SecretField("token", "Access token", "From your organization's account page, where it is shown once."),
    )
    dialects = ("current", "seed")
    kinds = (
        _kind(
            "archive",
            "Project archive",
            options=ArchiveOptions,
            deadline=timedelta(hours=2),
            options_with_choices=("branch_id",),
        ),
        _kind(
            "app",
            "App build",
            options=AppOptions,
            deadline=timedelta(hours=1),
            options_with_choices=("scenes", "branch_id"),
        ),
    )
    status_map: ClassVar = {"running": "running", "complete": "done", "error": "failed"}
    limits: ClassVar = {"normal": (120, 60.0), "strict": (5, 60.0)}
    project_help = "The number in the project's address: playcanvas.com/project/NUMBER/overview."
    lists_projects, project_pattern, project_id = True, r"/project/(\d+)", project_ids.WHOLE_NUMBER

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        reason = error_text(body)
        if status == 400:  # In October 2022 every good app download got one for a while (playcanvas/editor issue 902).
            sentence = f"PlayCanvas answered 400 (it can be a fault of theirs): {reason}"
            return RefusedError(sentence, provider_status="400")
        if status == 401 and "scope" in reason.lower():
            sentence = f"The token is known, but may not do this: {reason}"
            return CredentialError(sentence, known=True, provider_status="401")
        return None

    def is_own_error(self, body: object) -> bool:
        return "error" in parsing.mapping(body)

    def option_problems(
        self, kind: contract.Kind, options: Mapping[str, Any], dialect: str = ""
    ) -> dict[str, list[str]]:
        dialect = dialect or "current"
        unsupported = UNSUPPORTED_OPTIONS[dialect] if kind.type == "app" else set()
        names = parsing.without_empty(options).keys() & unsupported
        return {name: [f"The {dialect} dialect of PlayCanvas has no word for this."] for name in names}

    def submit(self, client: Client, job: Job) -> contract.Accepted:
        """POST /projects/:id/export (answers 200 or 201), or POST /apps/download."""
        dialect, options = job.dialect or client.dialect or "current", parsing.without_empty(job.options)
        path, body = f"/api/projects/{parsing.path_segment(job.project, self.label)}/export", options
        if job.type == "app":
            if unsupported := options.keys() & UNSUPPORTED_OPTIONS[dialect]:
                names = ", ".join(sorted(unsupported))
                raise RefusedError(f"The {dialect} dialect of PlayCanvas has no word for {names}.")
            if dialect == "seed":  # There `target` is required; web is the default elsewhere.
                options = {"target": "web", **options}
            parameters = {PARAMETER_NAMES[dialect].get(name, name): value for name, value in options.items()}
            path, body = "/api/apps/download", {"project_id": parsing.integer(job.project) or job.project, **parameters}
        answer = parsing.mapping(client.post(path, body, creates=True).body)
        if not (id_ := parsing.remote_id(answer.get("id"))):
            raise UnreadableError("PlayCanvas took the request, but named no job.")
        return contract.Accepted(id_, self._status(answer, job))

    def poll(self, client: Client, job: Job) -> Status:
        """GET /jobs/:id."""
        body = parsing.mapping(client.get(f"/api/jobs/{parsing.job_segment(job.remote_id, self.label)}").body)
        if not parsing.text(body.get("status")):
            raise UnreadableError("PlayCanvas answered without the status of the job.")
        parsing.check_id(body.get("id"), job.remote_id, "job")
        return self._status(body, job)

    def _status(self, body: Mapping[str, Any], job: Job) -> Status:
        # Both may be missing, and `data` may be of another project.
        data, raw_messages = parsing.mapping(body.get("data")), body.get("messages")
        for id_ in (data.get("project"), parsing.mapping(data.get("project")).get("id"), data.get("project_id")):
            parsing.check_id(id_, job.project)
        raw_messages = raw_messages[:20] if isinstance(raw_messages, list) else [raw_messages]
        messages = tuple(filter(None, map(error_text, raw_messages)))
        times = [f"{name[:-3]} {parsing.text(body[name])}" for name in ("created_at", "modified_at") if body.get(name)]
        word = parsing.text(body.get("status"))
        state = self.map_status(word)
        link = parsing.first_text(data, *LINK_FIELDS[job.type]) if state == "done" else ""
        return Status(state, word, link=link, messages=messages, note=", ".join(times), message="; ".join(messages))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask for the token's rate limits", lambda: self._limits(client)))

    def _limits(self, client: Client) -> tuple[str, Mapping[str, int]]:
        """Not GET /projects/:id, which answers 401 to good tokens (playcanvas/developer-site issue 740)."""
        answer = parsing.mapping(parsing.mapping(client.get("/api/ratelimits").body).get("limits"))
        limits = {name: number for name in self.limits if (number := parsing.integer(answer.get(name)))}
        return f"Calls a minute: {', '.join(f'{n} {name}' for name, n in limits.items())}." if limits else "", limits

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        """As the extension for VS Code lists them. The call is not documented, so it may be refused."""
        me = client.get("/api/id").body
        user = parsing.path_segment(parsing.text(me.get("id") if isinstance(me, dict) else me), self.label)
        return [contract.RemoteProject(*pair) for pair in _list(client, f"/api/users/{user}/projects")]

    def choices(self, client: Client, project: str, option: str, branch: str = "") -> Sequence[tuple[str, str]]:
        """GET /projects/:id/branches, GET /projects/:id/scenes (by default of the main branch)."""
        path = f"/api/projects/{parsing.path_segment(project, self.label)}"
        if option == "branch_id":
            return _list(client, f"{path}/branches")
        return _list(client, f"{path}/scenes", **({"branchId": branch} if branch else {}))


def _list(client: Client, path: str, **params: str) -> list[tuple[str, str]]:
    """Id and name of every entry of a list."""
    keep = paged_lists.texts("id", "name")
    entries = paged_lists.collect_entries(client, path, params, "result", paged_lists.next_by_skip, keep)
    return parsing.id_name_pairs(entries, "result", "id", "name")

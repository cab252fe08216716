"""PlayCanvas: whole projects as importable zips, and apps to host oneself. Both are jobs, polled by their id.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the `seed` dialect, the oldest "Download App" page.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Final

from django import forms

from exports.providers import contract, paged_lists, parsing
from exports.providers.contract import Job, Status
from exports.providers.fields import ChoiceField, IntegerListField, OptionalBooleanField, TextField
from exports.transport import responses
from exports.transport.client import Client
from exports.transport.errors import CredentialError, ProviderError, RefusedError, UnreadableError

COST: Final = "Takes one of the 5 exports a minute that PlayCanvas allows (10 with a paid plan)."
TARGETS: Final = (("", "Not said (web)"), ("web", "Web"), ("ios", "iOS, an Xcode project"))
APP_FORMATS: Final = (("", "As PlayCanvas has it (static)"), ("static", "Static site"), ("npm", "npm, a Vite project"))
LINK_FIELDS: Final = {
    "archive": ("url", "download_url"),
    "app": ("download_url", "url"),
}  # The app's: as clients read it.
NEWER_OPTIONS: Final = {"optimize_scene_format", "engine_version", "app_format"}
# What the app download calls our options, where it has another name for them, and those a dialect cannot say.
PARAMETER_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "current": {"app_format": "format"},
    "seed": {"scenes": "source_pack_ids", "scripts_concatenate": "script_concatenate"},
}
UNSUPPORTED_OPTIONS: Final = {
    "current": {"target"},
    "seed": {"branch_id", "scripts_minify", "scripts_sourcemaps"} | NEWER_OPTIONS,
}


class ArchiveOptions(forms.Form):
    """Parameters of project-export."""

    branch_id = TextField(label="Branch", max_length=100, required=False, help_text="Empty: the main branch.")


class AppOptions(forms.Form):
    """Parameters of app-download."""

    name = TextField(label="Name of the app", max_length=999)
    scenes = IntegerListField(label="Scenes", help_text="The app starts with the first.")
    branch_id = TextField(label="Branch", max_length=100, required=False, help_text="Empty: the main branch.")
    description = TextField(label="Description", max_length=9999, required=False, widget=forms.Textarea)
    version = TextField(label="Version", max_length=20, required=False)
    release_notes = TextField(label="Release notes", max_length=10000, required=False, widget=forms.Textarea)
    target = ChoiceField(label="Target", choices=TARGETS, required=False)
    scripts_concatenate = OptionalBooleanField(label="Put all scripts into one file")
    scripts_minify = OptionalBooleanField(label="Minify scripts")
    scripts_sourcemaps = OptionalBooleanField(
        label="Add source maps", help_text="Wants scripts in one file, and minified."
    )
    optimize_scene_format = OptionalBooleanField(label="Optimise the scene format")
    engine_version = TextField(
        label="Engine version", max_length=50, required=False, help_text="Empty: the project's own."
    )
    app_format = ChoiceField(label="Shape of the app", choices=APP_FORMATS, required=False)


_job = partial(contract.Kind, formats=("zip",), cost=COST, rate_class="strict")


class PlayCanvas(contract.Provider):
    """Jobs cannot be listed, so after a lost answer nothing can be found, and a person decides."""

    slug = "playcanvas"
    label = "PlayCanvas"
    docs = "https://developer.playcanvas.com/user-manual/api/"
    origins: ClassVar = {"production": "https://playcanvas.com"}
    secrets = (
        contract.SecretField("token", "Access token", "From your organization's account page, where it is shown once."),
    )
    dialects = ("current", "seed")
    kinds = (
        _job(
            "archive",
            "Project archive",
            options=ArchiveOptions,
            deadline=timedelta(hours=2),
            options_with_choices=("branch_id",),
        ),
        _job(
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
    lists_projects, project_pattern = True, r"/project/(\d+)"

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        said = responses.error_text(body)
        if status == 400:  # In October 2022 every good app download got one for a while (playcanvas/editor issue 902).
            return RefusedError(f"PlayCanvas answered 400 (it can be a fault of theirs): {said}", provider_status="400")
        if status == 401 and "scope" in said.lower():
            return CredentialError(f"The token is known, but may not do this: {said}", provider_status="401")
        return None

    def option_problems(
        self, kind: contract.Kind, options: Mapping[str, Any], dialect: str = ""
    ) -> dict[str, list[str]]:
        lost = (
            parsing.without_empty(options).keys() & UNSUPPORTED_OPTIONS[dialect or "current"]
            if kind.type == "app"
            else ()
        )
        return {name: [f"The {dialect or 'current'} dialect of PlayCanvas has no word for this."] for name in lost}

    def submit(self, client: Client, job: Job) -> contract.Accepted:
        """POST /projects/:id/export (answers 200 or 201), or POST /apps/download."""
        dialect, given = job.dialect or client.dialect or "current", parsing.without_empty(job.options)
        path, body = f"/api/projects/{parsing.path_segment(job.project, self.label)}/export", given
        if job.type == "app":
            if lost := given.keys() & UNSUPPORTED_OPTIONS[dialect]:
                raise RefusedError(f"The {dialect} dialect of PlayCanvas has no word for {', '.join(sorted(lost))}.")
            if dialect == "seed":  # There `target` was not optional; web was the normal app.
                given = {"target": "web", **given}
            sent = {PARAMETER_NAMES[dialect].get(name, name): value for name, value in given.items()}
            path, body = "/api/apps/download", {"project_id": parsing.integer(job.project) or job.project, **sent}
        answer = parsing.mapping(client.post(path, body, creates=True).body)
        if type(answer.get("id")) is not int:
            raise UnreadableError("PlayCanvas took the request, but named no job.")
        return contract.Accepted(str(answer["id"]), self._sight(answer, job))

    def poll(self, client: Client, job: Job) -> Status:
        """GET /jobs/:id."""
        body = parsing.mapping(client.get(f"/api/jobs/{parsing.path_segment(job.remote_id, self.label)}").body)
        if not parsing.text(body.get("status")):
            raise UnreadableError("PlayCanvas answered without the status of the job.")
        parsing.check_id(body.get("id"), job.remote_id, "job")
        return self._sight(body, job)

    def _sight(self, body: Mapping[str, Any], job: Job) -> Status:
        data, said = (
            parsing.mapping(body.get("data")),
            body.get("messages"),
        )  # Both may be missing, `data` also another's.
        for named in (data.get("project"), parsing.mapping(data.get("project")).get("id"), data.get("project_id")):
            parsing.check_id(named, job.project)
        messages = tuple(filter(None, map(responses.error_text, said[:20] if isinstance(said, list) else [said])))
        times = [f"{name[:-3]} {parsing.text(body[name])}" for name in ("created_at", "modified_at") if body.get(name)]
        word = parsing.text(body.get("status"))
        link = parsing.first_text(data, *LINK_FIELDS[job.type]) if (state := self.map_status(word)) == "done" else ""
        return Status(state, word, link=link, messages=messages, note=", ".join(times), message="; ".join(messages))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask for the token's rate limits", lambda: self._limits(client)))

    def _limits(self, client: Client) -> tuple[str, Mapping[str, int]]:
        """Not GET /projects/:id, which answers 401 to good tokens (playcanvas/developer-site issue 740)."""
        limits = parsing.mapping(parsing.mapping(client.get("/api/ratelimits").body).get("limits"))
        told = {name: number for name in self.limits if (number := parsing.integer(limits.get(name)))}
        return f"Calls a minute: {', '.join(f'{n} {name}' for name, n in told.items())}." if told else "", told

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        """As the extension for VS Code lists them. It is in no document, so it may be refused."""
        me = client.get("/api/id").body
        user = parsing.path_segment(parsing.text(me.get("id") if isinstance(me, dict) else me), self.label)
        return [contract.RemoteProject(*row) for row in self._list(client, f"/api/users/{user}/projects")]

    def choices(self, client: Client, project: str, option: str, branch: str = "") -> Sequence[tuple[str, str]]:
        """GET /projects/:id/branches, GET /projects/:id/scenes (of the main branch, if none is said)."""
        path = f"/api/projects/{parsing.path_segment(project, self.label)}"
        if option == "branch_id":
            return self._list(client, f"{path}/branches")
        return self._list(client, f"{path}/scenes", **({"branchId": branch} if branch else {}))

    def _list(self, client: Client, path: str, **params: str) -> list[tuple[str, str]]:
        return parsing.id_name_pairs(
            paged_lists.collect_entries(client, path, params, "result", paged_lists.next_by_skip),
            "result",
            "id",
            "name",
        )

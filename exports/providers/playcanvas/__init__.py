"""PlayCanvas: whole projects as importable zips, and apps to host oneself. Both are jobs that are polled by id.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the `seed` dialect, the oldest "Download App" page.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Final

from exports.providers import contract, paged_lists, parsing, project_ids
from exports.providers.contract import Job, Status
from exports.providers.jobs import parse_job, times_note
from exports.providers.playcanvas import lists, options
from exports.providers.playcanvas.presets import PRESETS
from exports.providers.refusals import error_by_status
from exports.transport.client import Client
from exports.transport.errors import ProviderError, UnreadableError
from exports.transport.responses import error_text

COST: Final = "Takes one of the 5 exports a minute that PlayCanvas allows (10 with a paid plan)."
# In the order in which clients read them.
LINK_FIELDS: Final = {"archive": ("url", "download_url"), "app": ("download_url", "url")}

_kind = partial(contract.Kind, formats=("zip",), cost=COST, rate_class="strict")


class PlayCanvas(contract.Provider):
    """Jobs cannot be listed, so after a lost answer none can be found, and a person decides."""

    slug = "playcanvas"
    label = "PlayCanvas"
    icon, hue = "cube", "orange"
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
            options=options.ArchiveOptions,
            deadline=timedelta(hours=2),
            options_with_choices=("branch_id",),
            branch_option="branch_id",
        ),
        _kind(
            "app",
            "App build",
            options=options.AppOptions,
            deadline=timedelta(hours=1),
            options_with_choices=("scenes", "branch_id"),
            presets=PRESETS,
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
            return error_by_status(400, f"PlayCanvas answered 400 (it can be a fault of theirs): {reason}")
        if status == 401 and "scope" in reason.lower():
            return error_by_status(403, f"The token is known, but may not do this: {reason}", word="401")
        return None

    def is_own_error(self, body: object) -> bool:
        return "error" in parsing.mapping(body)

    def option_problems(self, kind: contract.Kind, options_: Mapping[str, Any], dialect: str = "") -> options.Problems:
        return options.problems(kind.type, options_, dialect or "current")

    def submit(self, client: Client, job: Job) -> contract.Accepted:
        """POST /projects/:id/export (answers 200 or 201), or POST /apps/download."""
        if job.type == "archive":
            path, body = f"{lists.project_path(client, job.project)}/export", parsing.without_empty(job.options)
        else:
            path, body = "/api/apps/download", options.app_parameters(job, job.dialect or client.dialect or "current")
        id_, row = parse_job(client.post(path, body, creates=True).body, self.label)
        return contract.Accepted(id_, self._status(row, job))

    def poll(self, client: Client, job: Job) -> Status:
        """GET /jobs/:id."""
        answer = client.get(f"/api/jobs/{parsing.job_segment(job.remote_id, self.label)}").body
        if not parsing.text(parsing.below(answer, "status")):
            raise UnreadableError("PlayCanvas answered without the status of the job.")
        return self._status(parse_job(answer, self.label, job.remote_id)[1], job)

    def _status(self, row: Mapping[str, Any], job: Job) -> Status:
        # Both may be missing, and `data` may be of another project.
        data, listed = parsing.mapping(row.get("data")), row.get("messages")
        for id_ in (data.get("project"), parsing.below(data, "project", "id"), data.get("project_id")):
            parsing.check_id(id_, job.project)
        messages = tuple(filter(None, map(error_text, listed[:20] if isinstance(listed, list) else [listed])))
        word = parsing.text(row.get("status"))
        state = self.map_status(word)
        link = parsing.first_text(data, *LINK_FIELDS[job.type]) if state == "done" else ""
        note = times_note(row, {"created_at": "created", "modified_at": "modified"})
        return Status(state, word, link=link, messages=messages, note=note, message="; ".join(messages))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(
            ("Ask for the token's rate limits", lambda: lists.rate_limits(client, self.limits))
        )

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        listed = lists.projects(client)
        return paged_lists.as_complete_as(listed, [contract.RemoteProject(*pair) for pair in listed])

    def choices(self, client: Client, project: str, option: str, branch: str = "") -> Sequence[tuple[str, str]]:
        return lists.branches(client, project) if option == "branch_id" else lists.scenes(client, project, branch)

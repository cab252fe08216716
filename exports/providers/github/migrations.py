"""An owner's migrations: which is the job's, and how it is doing (rest/migrations)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from exports.providers import parsing
from exports.providers.contract import Job, JobState, Status
from exports.providers.github.lists import owner_path, pages
from exports.providers.github.options import flags_in, flags_of
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError

STATES: Final[Mapping[str, JobState]] = {
    **{"pending": "running", "exporting": "running", "exported": "done", "failed": "failed"}
}
# Answers without the repositories of a migration, which are long.
BRIEFLY: Final = {"exclude": "repositories"}
# An archive is kept for seven days. A day more, since the portal's clock may differ.
KEPT: Final = timedelta(days=8)
FAILED: Final = "GitHub gives no reason. Often the archive would be too large (20 GB at most): split it into parts."
GONE: Final = "GitHub keeps an archive for seven days, and these are over."


def path(job: Job, tail: str = "") -> str:
    """The path of the job's migration."""
    return owner_path(job.project, f"/migrations/{parsing.job_segment(job.remote_id, 'GitHub')}{tail}")


def latest(client: Client, owner: str) -> int:
    """The highest id of the owner's migrations; 0 without one."""
    return max((parsing.integer(row.get("id")) or 0 for row in _listed(client, owner)), default=0)


def find(client: Client, job: Job) -> Mapping[str, Any] | None:
    """The oldest migration above the baseline, watched by no other export, with the same repositories and options."""
    rows = {parsing.integer(row.get("id")) or 0: row for row in _listed(client, job.project)}
    wanted = {name.lower() for name in job.baseline["repositories"]}
    for id_ in sorted(rows):
        is_new = id_ > job.baseline["last"] and str(id_) not in job.watched_ids
        is_alike = is_new and flags_in(rows[id_]) == flags_of(job.options)
        if is_alike and _repositories_in(client, job.project, id_) == wanted:
            return rows[id_]
    return None


def _listed(client: Client, owner: str) -> Iterator[Mapping[str, Any]]:
    return pages(client, owner_path(owner, "/migrations"), **BRIEFLY)


def _repositories_in(client: Client, owner: str, id_: int) -> set[str]:
    """The full names, in lower case, of a migration's repositories. Imports by other tools have none."""
    try:
        rows = pages(client, owner_path(owner, f"/migrations/{id_}/repositories"))
        return {parsing.text(row.get("full_name")).lower() for row in rows}
    except NotFoundError:
        return set()


def status_of(row: Mapping[str, Any], job: Job, id_: str) -> Status:
    """A migration stays `exported` when its archive is gone. The link redirects to the archive's store."""
    if job.project != "user":
        owner = parsing.mapping(row.get("owner")).get("login")
        parsing.check_id(owner, job.project.removeprefix("orgs/"), "organization")
    word, made, updated = (parsing.text(row.get(name)) for name in ("state", "created_at", "updated_at"))
    if not word:
        raise UnreadableError("GitHub answered without the state of the migration.")
    state, note = STATES.get(word.lower(), "unknown"), f"made {made}, updated {updated}" if made else ""
    if state == "done" and _is_over(updated):
        return Status("failed", word, code="no_file", message=GONE, note=note)
    link = f"{job.project}/migrations/{id_}/archive" if state == "done" else ""
    return Status(state, word, link=link, note=note, message=FAILED if state == "failed" else "")


def _is_over(updated: str) -> bool:
    try:
        return datetime.fromisoformat(updated) < datetime.now(UTC) - KEPT
    except (ValueError, TypeError):
        return False

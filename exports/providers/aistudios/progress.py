"""How far AI Studios' export of a project is.

Source: docs.aistudios.com (v3), reference/progress and reference/get-project.
"""

from collections.abc import Callable

from exports.providers import parsing
from exports.providers.aistudios import editor
from exports.providers.contract import Job, JobState, Status
from exports.transport.client import Client
from exports.transport.errors import UnreadableError


def read_status(client: Client, job: Job, map_status: Callable[[str], JobState]) -> Status:
    """At first, word, progress and link may still be those of the previous export."""
    data = parsing.mapping(editor.get_editor(client, "progress", job))
    parsing.check_id(data.get("projectId"), job.project)
    progress, word = parsing.percent(data.get("progress")), parsing.text(data.get("state"))
    before = {} if job.memo else job.baseline
    state = map_status(word)
    if state in ("failed", "canceled"):
        if word == before.get("state") and editor.fingerprint(client, job)["task"] == before.get("task"):
            return Status("running", word, note="still the end of the export before")
        return Status(state, word, progress, message=f"AI Studios ended the export: {word}.")
    link = parsing.first_text(data, "downloadUrl", "download_url")
    if progress is None and not (link and data.get("progress") in (None, "")):  # Without a progress a link decides.
        raise UnreadableError("AI Studios answered without a progress.", provider_status=word)
    if progress is not None and progress < 100:
        return Status("running", word, progress, memo={**job.memo, "moved": True})
    # The engine polls a finished job again when the link of an earlier poll has expired.
    if (used := job.memo.get("given")) and (not link or editor.hash_text(link) == used):
        link = parsing.first_text(editor.get_project(client, job), "download_url") or link
    if not link:
        # 100 % without a link is the end of this export, unless the one before ended there, too.
        is_over = job.memo or before.get("progress") != 100
        return Status("done" if is_over else "running", word, progress, note="100 % without a link")
    if editor.hash_link(link) == before.get("link"):
        return Status("running", word, note="still the file of the export before")
    return Status("done", word, progress, link=link, memo={**job.memo, "given": editor.hash_text(link)})

"""GitHub's lists, and an owner's repositories. The owner is `user` or `orgs/LOGIN`, as in GitHub's paths."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from exports.providers import parsing
from exports.providers.contract import IdRule, Job
from exports.providers.github.options import part_of
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, RefusedError, UnreadableError

OWNER: Final = IdRule(
    r"user|orgs/[A-Za-z0-9][A-Za-z0-9-]{0,38}", "“orgs/” and an organization's login, or “user” for the own account"
)
PAGE_SIZE: Final = 100
MAX_PAGES: Final = 100


def owner_path(owner: str, tail: str) -> str:
    """A path below the owner's. Raises NotFoundError for what is no owner."""
    return f"/{parsing.path_segment(owner, 'an owner at GitHub', OWNER.pattern)}{tail}"


def pages(client: Client, path: str, **params: str) -> Iterator[Mapping[str, Any]]:
    """The rows of all pages: the header `Link` of a page names the next one (rest/using-pagination)."""
    for number in range(1, MAX_PAGES + 1):
        answer = client.get(path, {**params, "per_page": PAGE_SIZE, "page": number})
        yield from parsing.object_list(answer.body, "")
        if 'rel="next"' not in answer.headers.get("Link", ""):
            return
    raise UnreadableError("GitHub's list does not end.")


def repositories(client: Client, owner: str) -> list[str]:
    """The full names of the owner's repositories, in order, archived ones and forks among them."""
    params = {"affiliation": "owner"} if owner == "user" else {}
    rows = pages(client, owner_path(owner, "/repos"), **params)
    return sorted(filter(None, (parsing.text(row.get("full_name")) for row in rows)))


def wanted_repositories(client: Client, job: Job) -> list[str]:
    """The full names of those that the job is about. Raises RefusedError where one is not there, or none is left."""
    names, wanted = repositories(client, job.project), job.options.get("repositories") or []
    by_name = {key: name for name in names for key in (name.lower(), name.lower().rpartition("/")[2])}
    if missing := [name for name in wanted if name.lower() not in by_name]:
        raise NotFoundError(f"There is no repository {', '.join(missing)[:200]}, or the token does not see it.")
    chosen = sorted({by_name[name.lower()] for name in wanted}) if wanted else names
    if not (chosen := part_of(chosen, job.options.get("part") or "")):
        raise RefusedError("There is no repository to export that this token sees.", code="precondition")
    return chosen

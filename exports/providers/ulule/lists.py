"""Ulule's lists, which come in pages that name the next one.

Source: https://developers.ulule.com, overview/pagination and reference/project.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from exports.providers import parsing
from exports.providers.paged_lists import IncompleteList, collect_entries, rows_with_ids
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import AddressError, UnreadableError
from exports.transport.ssrf import MAX_URL_LENGTH

Row = Mapping[str, Any]
MAX_PAGES: Final = 50


def list_projects(client: Client, user: str) -> list[Row]:
    """GET /v1/users/:id/projects: the user's own. A name is a text or an i18n object."""
    return read_list(client, f"/v1/users/{user}/projects", "projects", _keep_name, state="created")


def _keep_name(row: Row) -> Row:
    return {"id": parsing.remote_id(row["id"]), "name": parsing.localized_text(row.get("name"), "")}


def read_list(client: Client, path: str, key: str, keep: Callable[[Row], Row], **params: Any) -> list[Row]:
    """What `keep` returns of each row; an IncompleteList where the list is longer, or counts more than it has."""
    total = 0

    def next_page(answer: ApiResponse, ids: list[str]) -> Mapping[str, str]:
        nonlocal total
        total = parsing.integer(parsing.below(answer.body, "meta", "total_count")) or 0
        # Always on the same path: servers behind a path prefix may name the next page without it.
        return next_page_query(client.origin.rstrip("/") + path, parsing.below(answer.body, "meta", "next"))

    # What the list is called is not documented.
    rows = collect_entries(client, path, params, rows_with_ids(key), next_page, keep, cut_after=MAX_PAGES)
    return rows if len(rows) >= total else IncompleteList(rows)


def next_page_query(url: str, next_link: object) -> dict[str, str]:
    """The query of the next page; empty at the end of the list. `url` is the address of the list.

    `next_link` is `?…`, `/…` or a whole address of the same origin. Raises UnreadableError, AddressError.
    """
    if not next_link:
        return {}
    link = next_link if isinstance(next_link, str) and len(next_link) <= MAX_URL_LENGTH else ""
    try:
        target = urlsplit(urljoin(url, link if re.match(r"[?/]|[a-z]+:", link) else f"?{link}"))
    except ValueError:
        target = urlsplit("")
    query = dict(parse_qsl(target.query))
    if not query:
        raise UnreadableError("The list names a next page that is no address of one.")
    if target[:2] != urlsplit(url)[:2]:
        raise AddressError("The list names a next page on another host; the portal does not follow.")
    return query

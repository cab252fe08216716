"""Lists that come in pages, read to their end."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from exports.providers import parsing
from exports.transport.client import Client
from exports.transport.errors import AddressError, UnreadableError

MAX_PAGES: Final = 200
# Of a list that says in numbers how long it is.
MAX_LINKED_PAGES: Final = 50
# Given a page and the ids so far, it names the parameters that bring the next page; nothing after the last one.
NextPageParameters = Callable[[Mapping[str, Any], list[str]], Mapping[str, Any]]


def collect_entries(
    client: Client, path: str, params: Mapping[str, Any], key: str, onward: NextPageParameters
) -> list[Mapping[str, Any]]:
    """Every entry of a list that has an id, once each. A page that brings nothing new is the last one too."""
    found: dict[str, Mapping[str, Any]] = {}
    more: Mapping[str, Any] = {}
    for _ in range(MAX_PAGES):
        page = parsing.mapping(client.get(path, {**params, **more}).body)
        if not isinstance(page.get(key), list):
            raise UnreadableError(f"{client.provider.label} answered without the list that was asked for.")
        fresh = {parsing.text(row.get("id")): row for row in page[key] if isinstance(row, dict)}
        fresh = {id_: row for id_, row in fresh.items() if id_ and id_ not in found}
        found |= fresh
        more = onward(page, list(found))
        if not fresh or not more:
            return list(found.values())
    raise UnreadableError(f"The list of {client.provider.label} does not end.")


def next_by_skip(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """PlayCanvas: branches go on after the last id (`hasMore`), other lists after a count (`total`)."""
    at = parsing.mapping(page.get("pagination"))
    if at.get("hasMore") is True:
        return {"skip": ids[-1]} if ids else {}
    return {"skip": len(ids)} if len(ids) < (parsing.integer(at.get("total")) or 0) else {}


def next_by_last_id(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """Toloka: `sort=id`, then all above the last id (`has_more`)."""
    return {"id_gt": ids[-1]} if page.get("has_more") is True and ids else {}


def first_page_only(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """For lists of which the first page is enough."""
    return {}


def collect_linked_pages(
    client: Client, path: str, key: str, ours: str = "", **params: Any
) -> tuple[dict[int, Mapping[str, Any]], bool]:
    """The rows of a paged list by id, each once, and whether that is all of it; none may be of a project not `ours`."""
    found: dict[int, Mapping[str, Any]] = {}
    for _ in range(MAX_LINKED_PAGES):
        body = client.get(path, params).body
        for row in parsing.object_list(body, key):
            if (id_ := parsing.integer(row.get("id"))) is None:
                raise UnreadableError("The list holds something without an id.")
            parsing.check_id(row.get("project_id") if ours else None, ours)
            found.setdefault(id_, row)
        meta = parsing.mapping(parsing.mapping(body).get("meta"))
        # Always on the same path: some servers name it as they see it, without the prefix we reach them by.
        params = next_page_query(client.origin.rstrip("/") + path, meta.get("next"))
        if not params:
            return found, len(found) >= (parsing.integer(meta.get("total_count")) or 0)
    return found, False


def next_page_query(here: str, said: object) -> dict[str, str]:
    """The query of the next page: `?…`, `/…` or a whole address of the same origin; empty at the end of the list."""
    if not said:
        return {}
    said = said if isinstance(said, str) else ""
    try:
        there = urlsplit(urljoin(here, said if re.match(r"[?/]|[a-z]+:", said) else f"?{said}"))
    except ValueError:
        there = urlsplit("")
    query = dict(parse_qsl(there.query))
    if not query:
        raise UnreadableError("The list names a next page that is no address of one.")
    if there[:2] != urlsplit(here)[:2]:
        raise AddressError("The list names a next page on another host; the portal does not follow.")
    return query

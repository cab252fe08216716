"""Reads lists that come in pages to their end."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from exports.providers import parsing
from exports.transport.client import Client
from exports.transport.errors import AddressError, UnreadableError
from exports.transport.ssrf import MAX_URL_LENGTH

MAX_PAGES: Final = 200
# For lists of linked pages, which state their total count.
MAX_LINKED_PAGES: Final = 50
# Of what is kept of the entries. A page as long as an answer may be is in memory beside it.
MAX_ENTRIES: Final = 10_000
MAX_CHARACTERS: Final = 2_000_000
Entry = Mapping[str, Any]
# Takes a page and the ids read so far; returns the query parameters of the next page, empty after the last one.
NextPageParameters = Callable[[Mapping[str, Any], list[str]], Mapping[str, Any]]


def whole(entry: Entry) -> Entry:
    """Keeps an entry as it is."""
    return entry


def texts(*names: str) -> Callable[[Entry], Entry]:
    """Keeps these fields of an entry, as texts."""
    return lambda entry: {name: parsing.text(entry.get(name)) for name in names}


def collect_entries(
    client: Client,
    path: str,
    params: Mapping[str, Any],
    key: str,
    next_page: NextPageParameters,
    keep: Callable[[Entry], Entry] = whole,
) -> list[Entry]:
    """What `keep` returns of every entry that has an id, each once. A page without new entries also ends the list.

    Raises UnreadableError and the errors of `Client.get`.
    """
    entries: dict[str, Entry] = {}
    page_params: Mapping[str, Any] = {}
    for _ in range(MAX_PAGES):
        page = parsing.mapping(client.get(path, {**params, **page_params}).body)
        if not isinstance(page.get(key), list):
            raise UnreadableError(f"{client.provider.label} answered without the list that was asked for.")
        fresh = {parsing.text(row.get("id")): row for row in page[key] if isinstance(row, dict)}
        new = {id_: keep(row) for id_, row in fresh.items() if id_ and id_ not in entries}
        entries |= new
        _check_size(entries, client)
        page_params = next_page(page, list(entries))
        if not new or not page_params:
            return list(entries.values())
    raise UnreadableError(f"The list of {client.provider.label} does not end.")


def _check_size(entries: Mapping[str, Entry], client: Client) -> None:
    """Raises UnreadableError where there is more than the portal keeps in memory."""
    characters = sum(len(item) for entry in entries.values() for item in entry.values() if isinstance(item, str))
    if len(entries) > MAX_ENTRIES or characters > MAX_CHARACTERS:
        raise UnreadableError(f"The list of {client.provider.label} is longer than the portal reads.")


def next_by_skip(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """PlayCanvas: `skip` is the last id for branches (`hasMore`), the count so far for other lists (`total`)."""
    pagination = parsing.mapping(page.get("pagination"))
    if pagination.get("hasMore") is True:
        return {"skip": ids[-1]} if ids else {}
    return {"skip": len(ids)} if len(ids) < (parsing.integer(pagination.get("total")) or 0) else {}


def next_by_last_id(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """Toloka: with `sort=id`, the entries above the last id (`has_more`)."""
    return {"id_gt": ids[-1]} if page.get("has_more") is True and ids else {}


def first_page_only(page: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """Ends the list after its first page, where that is enough."""
    return {}


def collect_linked_pages(
    client: Client, path: str, key: str, keep: Callable[[Entry], Entry], project_id: str = "", **params: Any
) -> tuple[dict[str, Entry], bool]:
    """What `keep` returns of each row, by id and in the list's order, and whether the list is complete.

    With `project_id`, raises UnreadableError when a row is of another project.
    """
    rows: dict[str, Entry] = {}
    for _ in range(MAX_LINKED_PAGES):
        body = client.get(path, params).body
        for row in parsing.object_list(body, key):
            if not (id_ := parsing.remote_id(row.get("id"))):
                raise UnreadableError("The list holds something without an id.")
            parsing.check_id(row.get("project_id") if project_id else None, project_id)
            if id_ not in rows:
                rows[id_] = keep(row)
        _check_size(rows, client)
        meta = parsing.mapping(parsing.mapping(body).get("meta"))
        # Always on the same path: servers behind a path prefix may name the next page without it.
        params = next_page_query(client.origin.rstrip("/") + path, meta.get("next"))
        if not params:
            return rows, len(rows) >= (parsing.integer(meta.get("total_count")) or 0)
    return rows, False


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

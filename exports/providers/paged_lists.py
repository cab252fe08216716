"""Reads lists that come in pages to their end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from exports.providers import parsing
from exports.providers.contract import Job
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import UnreadableError

MAX_PAGES: Final = 200
# Of what is kept of the entries. A page as long as an answer may be is in memory beside it.
MAX_ENTRIES: Final = 10_000
MAX_CHARACTERS: Final = 2_000_000
Entry = Mapping[str, Any]
Item = TypeVar("Item")
# Takes the answer with a page, and the ids read so far; returns the query of the next page, empty after the last one.
NextPageParameters = Callable[[ApiResponse, list[str]], Mapping[str, Any]]
RowsOfPage = Callable[[Any], Sequence[Entry]]


class IncompleteList(list[Item]):
    """A list that was not read to its end, or has less than it says: what is not in it may be there all the same."""


def as_complete_as(read: object, items: list[Item]) -> list[Item]:
    """The items, which were made of `read`; an IncompleteList where that is one."""
    return IncompleteList(items) if isinstance(read, IncompleteList) else items


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
    rows: str | RowsOfPage,
    next_page: NextPageParameters,
    keep: Callable[[Entry], Entry] = whole,
    cut_after: int = 0,
    id_field: str = "id",
) -> list[Entry]:
    """What `keep` returns of every entry that has an id (below `id_field`), each once, in the list's order.

    `rows`: the name of the list in a page, or what takes the rows from a page. A page without new entries also ends the
    list, as an IncompleteList where it says that there are more. A list of more than `cut_after` pages becomes an
    IncompleteList, too; without that number it is an error. Raises UnreadableError and the errors of `Client.get`.
    """
    entries: dict[str, Entry] = {}
    page_params: Mapping[str, Any] = {}
    for _ in range(cut_after or MAX_PAGES):
        answer = client.get(path, {**params, **page_params})
        listed = _named_rows(answer.body, rows, client) if isinstance(rows, str) else rows(answer.body)
        fresh = {parsing.remote_id(row.get(id_field)): row for row in listed}
        new = {id_: keep(row) for id_, row in fresh.items() if id_ and id_ not in entries}
        entries |= new
        _check_size(entries, client)
        page_params = next_page(answer, list(entries))
        if not page_params:
            return list(entries.values())
        if not new:
            return IncompleteList(entries.values())
    if cut_after:
        return IncompleteList(entries.values())
    raise UnreadableError(f"The list of {client.provider.label} does not end.")


def _named_rows(page: object, name: str, client: Client) -> list[Entry]:
    """The objects of the list of that name, and of no other: another could be empty. Raises UnreadableError."""
    rows = parsing.below(page, name)
    if not isinstance(rows, list):
        raise UnreadableError(f"{client.provider.label} answered without the list that was asked for.")
    return [row for row in rows if isinstance(row, dict)]


def rows_with_ids(key: str) -> RowsOfPage:
    """For lists whose name is not documented: takes the rows below `key`, or of the only list of a page.

    What has no id could be what is looked for, so it raises UnreadableError.
    """

    def rows_of(page: Any) -> Sequence[Entry]:
        rows = parsing.object_list(page, key)
        if not all(parsing.remote_id(row.get("id")) for row in rows):
            raise UnreadableError("The list holds something without an id.")
        return rows

    return rows_of


def _check_size(entries: Mapping[str, Entry], client: Client) -> None:
    """Raises UnreadableError where there is more than the portal keeps in memory."""
    characters = sum(len(item) for entry in entries.values() for item in entry.values() if isinstance(item, str))
    if len(entries) > MAX_ENTRIES or characters > MAX_CHARACTERS:
        raise UnreadableError(f"The list of {client.provider.label} is longer than the portal reads.")


def after_last_id(parameter: str, *has_more: str) -> NextPageParameters:
    """For lists in which the last id, sent as `parameter`, asks for what follows it.

    `has_more`: the keys below which a page says true where more follows.
    """
    return lambda answer, ids: {parameter: ids[-1]} if parsing.below(answer.body, *has_more) is True and ids else {}


def new_ids(ids: Iterable[str], before: Iterable[str], job: Job) -> list[str]:
    """Those of the ids, in their order, that were not there before the request, and that no other export watches."""
    known = {*before, *job.watched_ids}
    return [id_ for id_ in ids if id_ not in known]


def collect_numbered_pages(
    client: Client, path: str, params: Mapping[str, Any], header: str = "X-Next-Page"
) -> list[Entry]:
    """The rows of a list that is the whole body, whose answer's header names the number of the next page.

    Raises UnreadableError and the errors of `Client.get`.
    """

    def rows_of(page: Any) -> Sequence[Entry]:
        if not isinstance(page, list):
            raise UnreadableError(f"{client.provider.label} answered without the list that was asked for.")
        return rows_with_ids("")(page)

    def next_page(answer: ApiResponse, ids: list[str]) -> dict[str, Any]:
        return parsing.without_empty({"page": parsing.integer(answer.headers.get(header))})

    return collect_entries(client, path, params, rows_of, next_page, cut_after=MAX_PAGES)

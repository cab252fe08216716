"""Lists: filters read from a query string, and pages by key, newest first. For pages and API alike."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, Q, QuerySet, Subquery
from django.http import QueryDict
from django.utils.http import urlencode

from exports import states
from exports.engine.problem import InvalidError
from exports.models import Project, User
from exports.providers.registry import PROVIDERS

MOST: Final = 100
USUAL: Final = 20
MOST_TEXT: Final = 200
MOST_WORDS: Final = 8
# The greatest id a row can have.
MOST_ID: Final = 2**63 - 1
TYPES: Final = tuple(sorted({kind.type for provider in PROVIDERS.values() for kind in provider.kinds}))
# Filters that take one or more words: repeated, or separated by commas.
WORDS: Final[dict[str, tuple[str, ...]]] = {"status": states.STATUSES, "type": TYPES, "provider": tuple(PROVIDERS)}
NAMES: Final = (*WORDS, "project_id", "since", "until", "q")
# What the page filters by besides; the API's contract has the names above.
MORE_WORDS: Final[dict[str, tuple[str, ...]]] = {"trigger": states.TRIGGERS, "file": ("yes", "no")}
MORE_NAMES: Final = (*NAMES, *MORE_WORDS, "user_id")
# A filter that no index serves looks through so many exports at a time, so that a page costs the same in any history.
WINDOW: Final = 10_000
# Numbers are given in the order of asking, but for transactions that overlapped.
OVERLAP: Final = timedelta(days=1)
CHUNK: Final = 1000
# Where a text is looked for: in the exports, and in the few things they belong to.
SEARCHED: Final = ("remote_id", "error_message", "file__name")
SEARCHED_PROJECTS: Final = ("name", "remote_id", "credential__provider")
SEARCHED_PEOPLE: Final = ("email", "name")

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Filters:
    """Which exports to show. `since` and `until` are both included; `pairs` says the same as a query string does."""

    status: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    project_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    trigger: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    user_id: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, data: QueryDict, *, more: bool = False) -> "Filters":
        """Filters from a query string (`more`: with the page's own); empty values and other names are passed over.

        Raises InvalidError.
        """
        found: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        names = MORE_NAMES if more else NAMES
        pairs = tuple((name, value) for name in names for value in data.getlist(name) if value.strip())
        for name, known in (WORDS | MORE_WORDS if more else WORDS).items():
            given = [part.strip() for key, value in pairs if key == name for part in value.split(",")]
            found[name] = tuple(dict.fromkeys(given))
            if set(given) - set(known):
                errors[name] = [f"Choose from: {', '.join(known)}."]
        for name, read in READERS.items():
            values = [value.strip() for key, value in pairs if key == name]
            if len(values) > 1:
                errors[name] = ["Give this once."]
            elif values:
                try:
                    found[name] = read(values[0])
                except ValueError as error:
                    errors[name] = [str(error)]
        if errors:
            raise InvalidError(errors)
        return cls(**found, pairs=pairs)

    @property
    def query(self) -> str:
        """The filters as a query string, without a question mark; "" for none."""
        return urlencode(self.pairs)

    def apply(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of the exports that pass."""
        return self.sift(self.narrow(rows))

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those that pass the filters an index serves, or that only decide where to begin."""
        wanted = {"status__in": self.status, "project_id": self.project_id, "created_at__lte": self.until}
        return rows.filter(**_given(wanted))

    def sift(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those that pass the other filters."""
        wanted = {
            "type__in": self.type,
            "project__credential__provider__in": self.provider,
            "created_at__gte": self.since,
            "trigger__in": self.trigger,
            "user_id": self.user_id,
        }
        rows = rows.filter(**_given(wanted))
        if len(self.file) == 1:
            kept = Q(file__isnull=False, file__deleted_at=None)
            rows = rows.filter(kept if self.file == ("yes",) else ~kept)
        for word in self.q.split():
            rows = rows.filter(_looks_like(word))
        return rows

    def given(self, name: str) -> list[str]:
        """The values of one filter, as they were given."""
        return [value for key, value in self.pairs if key == name]

    def without(self, name: str) -> str:
        """The others as a query string."""
        return urlencode([pair for pair in self.pairs if pair[0] != name])

    @property
    def sifts(self) -> bool:
        """Whether `sift` leaves anything out."""
        narrow = {"status", "project_id", "until"}
        return any(name not in narrow for name, _ in self.pairs)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list. `next_query`: the query string, with its question mark, of those after; None at the end."""

    rows: Sequence[M]
    limit: int
    next_query: str | None


def page(rows: QuerySet[M], filters: Filters | None = None, before: int | None = None, limit: int = USUAL) -> Page[M]:
    """The newest rows, or those older than `before`, in one query whatever the depth of the page."""
    if filters is not None:
        rows = filters.apply(rows)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # One more than is shown tells whether there are others.
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, limit, None)
    place = urlencode({"limit": limit, "before": shown[-1].pk})
    return Page(shown, limit, "?" + "&".join(filter(None, (filters.query if filters else "", place))))


@dataclass(frozen=True)
class Leaf(Generic[M]):
    """A page that leads both ways. `newer`, `older`: query strings, without question mark; None where it ends.

    `seen_to`: filters that no index serves were tried back to this time; there may be more behind it.
    """

    rows: Sequence[M]
    newer: str | None = None
    older: str | None = None
    seen_to: datetime | None = None


def leaf(
    rows: QuerySet[M], filters: Filters, before: int | None = None, after: int | None = None, limit: int = USUAL
) -> Leaf[M]:
    """The newest rows, those older than `before`, or those just newer than `after`; at most two queries, any depth."""
    up = after is not None
    order, beyond, within = ("pk", "gt", "lte") if up else ("-pk", "lt", "gte")
    place = after if up else before
    some = filters.narrow(rows)
    if place is not None:
        some = some.filter(**{f"pk__{beyond}": place})
    edge, at = _edge(some, order) if filters.sifts else (None, None)
    found = filters.sift(some)
    if edge is not None:
        found = found.filter(**{f"pk__{within}": edge})
    got = list(found.order_by(order)[: limit + 1])
    shown = got[:limit]
    last: int | None = shown[-1].pk if len(got) > limit else edge
    if len(got) <= limit and at and filters.since and not up and at < filters.since - OVERLAP:
        # All that is behind was asked for before the period began.
        last = at = None
    back: int | None = None
    if place is not None:
        back = shown[0].pk if shown else place + (1 if up else -1)
    newer, older = (last, back) if up else (back, last)
    return Leaf(
        shown[::-1] if up else shown,
        _place(filters, "after", newer),
        _place(filters, "before", older),
        at if len(got) <= limit else None,
    )


def walk(rows: QuerySet[M], filters: Filters, most: int) -> Iterator[M]:
    """The newest rows that pass, up to so many, a chunk at a time: memory stays flat."""
    found, before = filters.apply(rows).order_by("-pk"), None
    while most > 0:
        chunk = list((found if before is None else found.filter(pk__lt=before))[: min(CHUNK, most)])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        before, most = chunk[-1].pk, most - len(chunk)


def place(data: QueryDict) -> tuple[int | None, int | None]:
    """`before` and `after` of a query string; what cannot be read, or both, counts as not given."""
    found: dict[str, int] = {}
    for name in ("before", "after"):
        with contextlib.suppress(ValueError):
            found[name] = _whole(data.get(name, ""))
    return (found.get("before"), found.get("after")) if len(found) == 1 else (None, None)


def _edge(rows: QuerySet[M], order: str) -> tuple[int | None, datetime | None]:
    """The export at which a window over these ends; (None, None) when all of them fit into it."""
    ids = rows.select_related(None).order_by(order).values("pk")[WINDOW - 1 : WINDOW]
    # The inner query reads the index alone, the outer one row.
    found = rows.model._default_manager.filter(pk=Subquery(ids)).values_list("pk", "created_at").first()
    return found or (None, None)


def _place(filters: Filters, name: str, pk: int | None) -> str | None:
    if pk is None:
        return None
    return "&".join(filter(None, (filters.query, urlencode({name: pk}))))


def _given(wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if value not in (None, ())}


def paging(data: QueryDict) -> tuple[int | None, int]:
    """`before` and `limit` of a query string. Raises InvalidError."""
    errors: dict[str, list[str]] = {}
    found: dict[str, int | None] = {"before": None, "limit": USUAL}
    for name, most in (("before", MOST_ID), ("limit", MOST)):
        text = data.get(name)
        if text is None:
            continue
        try:
            found[name] = _whole(text, most)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise InvalidError(errors)
    return found["before"], found["limit"] or USUAL


def _looks_like(word: str) -> Q:
    found = _in_any(SEARCHED, word) | Q(type__in=[type_ for type_ in TYPES if word.casefold() in type_])
    # Found by themselves first: there are few of them, and a number is quicker compared than a text.
    found |= Q(project__in=Project.objects.filter(_in_any(SEARCHED_PROJECTS, word)).values("pk"))
    found |= Q(user__in=User.objects.filter(_in_any(SEARCHED_PEOPLE, word)).values("pk"))
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        found |= Q(pk=int(number))
    return found


def _in_any(names: Sequence[str], word: str) -> Q:
    found = Q()
    for name in names:
        found |= Q(**{f"{name}__icontains": word})
    return found


def _whole(text: str, most: int = MOST_ID) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= most):
        raise ValueError("Give a whole number from 1." if most == MOST_ID else f"Give a whole number from 1 to {most}.")
    return int(text)


def _text(text: str) -> str:
    if len(text) > MOST_TEXT or len(text.split()) > MOST_WORDS or "\0" in text:
        raise ValueError(f"Search for at most {MOST_WORDS} words of {MOST_TEXT} characters altogether.")
    return text


def _moment(text: str, end: bool = False) -> datetime:
    """A moment, in UTC where no zone is given; a day alone is its beginning, or its end."""
    # A plus sign that was not encoded in the address arrives as a space.
    head, _, tail = text.rpartition(" ")
    if head and "T" in head:
        text = f"{head}+{tail}"
    try:
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1, microseconds=-1) if end else day
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("Give a day like 2026-01-31, or a time like 2026-01-31T12:00:00Z.") from None


READERS: Final[dict[str, Any]] = {
    "project_id": _whole,
    "user_id": _whole,
    "since": _moment,
    "until": lambda text: _moment(text, end=True),
    "q": _text,
}

"""Lists: filters read from a query string, and pages by key, newest first. For pages and API alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from exports import states
from exports.engine.problem import InvalidError
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
# Where a text is looked for.
SEARCHED: Final = (
    "project__name",
    "project__remote_id",
    "project__credential__provider",
    "type",
    "remote_id",
    "file__name",
    "user__email",
    "user__name",
)

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
    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, data: QueryDict) -> "Filters":
        """Filters from a query string; empty values (of a form) and other names are passed over.

        Raises InvalidError.
        """
        found: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        pairs = tuple((name, value) for name in NAMES for value in data.getlist(name) if value.strip())
        for name, known in WORDS.items():
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
        wanted = {
            "status__in": self.status,
            "type__in": self.type,
            "project__credential__provider__in": self.provider,
            "project_id": self.project_id,
            "created_at__gte": self.since,
            "created_at__lte": self.until,
        }
        rows = rows.filter(**{name: value for name, value in wanted.items() if value not in (None, ())})
        for word in self.q.split():
            rows = rows.filter(_looks_like(word))
        return rows


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
    found = Q()
    for name in SEARCHED:
        found |= Q(**{f"{name}__icontains": word})
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        found |= Q(pk=int(number))
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
    "since": _moment,
    "until": lambda text: _moment(text, end=True),
    "q": _text,
}

"""Filters of lists, read from a query string. For pages and API alike."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode

from exports import states
from exports.errors import InvalidError
from exports.models import Project, User
from exports.providers.registry import PROVIDERS

MAX_SEARCH_LENGTH: Final = 200
MAX_SEARCH_WORDS: Final = 8
# The greatest id a row can have.
MAX_ID: Final = 2**63 - 1
TYPES: Final = tuple(sorted({kind.type for provider in PROVIDERS.values() for kind in provider.kinds}))
# Filters that take one or more words: repeated, or separated by commas.
CHOICE_FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "status": states.STATUSES,
    "type": TYPES,
    "provider": tuple(PROVIDERS),
}
FILTER_NAMES: Final = (*CHOICE_FILTERS, "project_id", "since", "until", "q")
# What the page filters by besides; the API's contract has the names above.
PAGE_CHOICE_FILTERS: Final[dict[str, tuple[str, ...]]] = {"trigger": states.TRIGGERS, "file": ("yes", "no")}
PAGE_FILTER_NAMES: Final = (*FILTER_NAMES, *PAGE_CHOICE_FILTERS, "user_id")
# Numbers are given in the order of asking, but for transactions that overlapped.
ID_ORDER_SLACK: Final = timedelta(days=1)
# Where a text is looked for: in the exports, and in the few things they belong to.
SEARCHED_FIELDS: Final = ("remote_id", "error_message", "file__name")
SEARCHED_PROJECT_FIELDS: Final = ("name", "remote_id", "credential__provider")
SEARCHED_USER_FIELDS: Final = ("email", "name")


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
    def parse(cls, data: QueryDict, *, with_page_filters: bool = False) -> "Filters":
        """Filters from a query string (`with_page_filters`: with the page's own); empty values and other names are passed over.

        Days are days in UTC; on the page, in the zone of whoever reads. Raises InvalidError.
        """
        zone = timezone.get_current_timezone() if with_page_filters else UTC
        found: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        names = PAGE_FILTER_NAMES if with_page_filters else FILTER_NAMES
        pairs = tuple((name, value) for name in names for value in data.getlist(name) if value.strip())
        for name, known in (CHOICE_FILTERS | PAGE_CHOICE_FILTERS if with_page_filters else CHOICE_FILTERS).items():
            given = [part.strip() for key, value in pairs if key == name for part in value.split(",")]
            found[name] = tuple(dict.fromkeys(given))
            if set(given) - set(known):
                errors[name] = [f"Choose from: {', '.join(known)}."]
        for name, read in PARSERS.items():
            values = [value.strip() for key, value in pairs if key == name]
            if len(values) > 1:
                errors[name] = ["Give this once."]
            elif values:
                try:
                    found[name] = read(values[0], zone)
                except ValueError as error:
                    errors[name] = [str(error)]
        if errors:
            raise InvalidError(errors)
        return cls(**found, pairs=pairs)

    @property
    def query_string(self) -> str:
        """The filters as a query string, without a question mark; "" for none."""
        return urlencode(self.pairs)

    def apply(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of the exports that pass."""
        return self.post_filter(self.pre_filter(rows))

    def pre_filter(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those that pass the filters an index serves, or that only decide where to begin and to end."""
        wanted = {
            "status__in": self.status,
            "project_id": self.project_id,
            "created_at__gte": self.since,
            "created_at__lte": self.until,
        }
        return _between(rows, self.since, self.until).filter(**_given(wanted))

    def post_filter(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those that pass the other filters."""
        wanted = {
            "type__in": self.type,
            "project__credential__provider__in": self.provider,
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

    def values_of(self, name: str) -> list[str]:
        """The values of one filter, as they were given."""
        return [value for key, value in self.pairs if key == name]

    def query_without(self, name: str) -> str:
        """The others as a query string."""
        return urlencode([pair for pair in self.pairs if pair[0] != name])

    @property
    def has_post_filter(self) -> bool:
        """Whether `sift` leaves anything out."""
        narrow = {"status", "project_id", "since", "until"}
        return any(name not in narrow for name, _ in self.pairs)


def _between(rows: QuerySet[M], since: datetime | None, until: datetime | None) -> QuerySet[M]:
    """Those whose numbers may belong to the period, so that nothing is read of what came long before or after it."""
    times = rows.select_related(None).order_by("created_at")
    with contextlib.suppress(OverflowError):
        if since:
            before = times.filter(created_at__lt=since - ID_ORDER_SLACK).reverse().values("pk")[:1]
            rows = rows.filter(pk__gt=Coalesce(Subquery(before), 0))
    with contextlib.suppress(OverflowError):
        if until:
            behind = times.filter(created_at__gt=until + ID_ORDER_SLACK).values("pk")[:1]
            rows = rows.filter(pk__lt=Coalesce(Subquery(behind), MAX_ID))
    return rows


def _given(wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if value not in (None, ())}


def _looks_like(word: str) -> Q:
    found = _in_any(SEARCHED_FIELDS, word) | Q(type__in=[type_ for type_ in TYPES if word.casefold() in type_])
    # Found by themselves first: there are few of them, and a number is quicker compared than a text.
    found |= Q(project__in=Project.objects.filter(_in_any(SEARCHED_PROJECT_FIELDS, word)).values("pk"))
    found |= Q(user__in=User.objects.filter(_in_any(SEARCHED_USER_FIELDS, word)).values("pk"))
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        found |= Q(pk=int(number))
    return found


def _in_any(names: Sequence[str], word: str) -> Q:
    found = Q()
    for name in names:
        found |= Q(**{f"{name}__icontains": word})
    return found


def _number(text: str, _zone: tzinfo) -> int:
    return parse_positive_int(text)


def parse_positive_int(text: str, most: int = MAX_ID) -> int:
    """A whole number from 1. Raises ValueError with a sentence."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= most):
        raise ValueError("Give a whole number from 1." if most == MAX_ID else f"Give a whole number from 1 to {most}.")
    return int(text)


def _text(text: str, _zone: tzinfo) -> str:
    if len(text) > MAX_SEARCH_LENGTH or len(text.split()) > MAX_SEARCH_WORDS or "\0" in text:
        raise ValueError(f"Search for at most {MAX_SEARCH_WORDS} words of {MAX_SEARCH_LENGTH} characters altogether.")
    return text


def _moment(text: str, zone: tzinfo, end: bool = False) -> datetime:
    """A moment, in this zone where none is given; a day alone is its beginning, or its end."""
    # A plus sign that was not encoded in the address arrives as a space.
    head, _, tail = text.rpartition(" ")
    if head and "T" in head:
        text = f"{head}+{tail}"
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime.combine(day, time.max if end else time.min, zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Give a day like 2026-01-31, or a time like 2026-01-31T12:00:00Z.") from None


PARSERS: Final[dict[str, Any]] = {
    "project_id": _number,
    "user_id": _number,
    "since": _moment,
    "until": lambda text, zone: _moment(text, zone, end=True),
    "q": _text,
}

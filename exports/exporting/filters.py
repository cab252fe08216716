"""Filters of export lists, parsed from a query string. Used by pages and API."""

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
# The largest primary key.
MAX_ID: Final = 2**63 - 1
TYPES: Final = tuple(sorted({kind.type for provider in PROVIDERS.values() for kind in provider.kinds}))
# Filters that take one or more values: repeated, or separated by commas.
CHOICE_FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "status": states.STATUSES,
    "type": TYPES,
    "provider": tuple(PROVIDERS),
}
FILTER_NAMES: Final = (*CHOICE_FILTERS, "project_id", "since", "until", "q")
# Filters of the page only; the API's contract has the names above.
PAGE_CHOICE_FILTERS: Final[dict[str, tuple[str, ...]]] = {"trigger": states.TRIGGERS, "file": ("yes", "no")}
PAGE_FILTER_NAMES: Final = (*FILTER_NAMES, *PAGE_CHOICE_FILTERS, "user_id", "schedule_id")
# Ids rise with `created_at`, except between transactions that overlapped.
ID_ORDER_SLACK: Final = timedelta(days=1)
# The columns that a search (`q`) covers.
SEARCHED_FIELDS: Final = ("remote_id", "error_message", "file__name")
SEARCHED_PROJECT_FIELDS: Final = ("name", "remote_id", "credential__provider")
SEARCHED_USER_FIELDS: Final = ("email", "name")


M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Filters:
    """Which exports to show. `since` and `until` are inclusive; `pairs` are the name-value pairs as received."""

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
    schedule_id: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, data: QueryDict, *, with_page_filters: bool = False) -> "Filters":
        """Parses a query string; empty values and unknown names are ignored. Raises InvalidError.

        `with_page_filters`: accepts the filters of the page as well, and reads days and times without a zone in the
        reader's time zone. Otherwise they are UTC.
        """
        zone = timezone.get_current_timezone() if with_page_filters else UTC
        values: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        names = PAGE_FILTER_NAMES if with_page_filters else FILTER_NAMES
        pairs = tuple((name, value) for name in names for value in data.getlist(name) if value.strip())
        for name, known in (CHOICE_FILTERS | PAGE_CHOICE_FILTERS if with_page_filters else CHOICE_FILTERS).items():
            choices = [part.strip() for key, value in pairs if key == name for part in value.split(",")]
            values[name] = tuple(dict.fromkeys(choices))
            if set(choices) - set(known):
                errors[name] = [f"Choose from: {', '.join(known)}."]
        for name, parse in PARSERS.items():
            texts = [value.strip() for key, value in pairs if key == name]
            if len(texts) > 1:
                errors[name] = ["Give this once."]
            elif texts:
                try:
                    values[name] = parse(texts[0], zone)
                except ValueError as error:
                    errors[name] = [str(error)]
        if errors:
            raise InvalidError(errors)
        return cls(**values, pairs=pairs)

    @property
    def query_string(self) -> str:
        """The filters as a query string, without a question mark; "" for none."""
        return urlencode(self.pairs)

    def matching(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Returns the exports that match all filters."""
        return self.post_filter(self.pre_filter(rows))

    def pre_filter(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Applies the filters that an index serves, and those that only bound the range of ids."""
        conditions = {
            "status__in": self.status,
            "project_id": self.project_id,
            "schedule_id": self.schedule_id,
            "created_at__gte": self.since,
            "created_at__lte": self.until,
        }
        return _created_between(rows, self.since, self.until).filter(**_without_empty(conditions))

    def post_filter(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Applies the filters that no index serves."""
        conditions = {
            "type__in": self.type,
            "project__credential__provider__in": self.provider,
            "trigger__in": self.trigger,
            "user_id": self.user_id,
        }
        rows = rows.filter(**_without_empty(conditions))
        if len(self.file) == 1:
            kept = Q(file__isnull=False, file__deleted_at=None)
            rows = rows.filter(kept if self.file == ("yes",) else ~kept)
        for word in self.q.split():
            rows = rows.filter(_matches_word(word))
        return rows

    def values_of(self, name: str) -> list[str]:
        """Returns the values of one filter as received."""
        return [value for key, value in self.pairs if key == name]

    def query_without(self, name: str) -> str:
        """Returns the query string without one filter."""
        return urlencode([pair for pair in self.pairs if pair[0] != name])

    @property
    def has_post_filter(self) -> bool:
        """Whether `post_filter` has a condition."""
        pre_filters = {"status", "project_id", "schedule_id", "since", "until"}
        return any(name not in pre_filters for name, _ in self.pairs)


def _created_between(rows: QuerySet[M], since: datetime | None, until: datetime | None) -> QuerySet[M]:
    """Bounds the ids by the period, so that the database reads no rows from long before or after it."""
    times = rows.select_related(None).order_by("created_at")
    with contextlib.suppress(OverflowError):
        if since:
            before = times.filter(created_at__lt=since - ID_ORDER_SLACK).reverse().values("pk")[:1]
            rows = rows.filter(pk__gt=Coalesce(Subquery(before), 0))
    with contextlib.suppress(OverflowError):
        if until:
            after = times.filter(created_at__gt=until + ID_ORDER_SLACK).values("pk")[:1]
            rows = rows.filter(pk__lt=Coalesce(Subquery(after), MAX_ID))
    return rows


def _without_empty(conditions: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in conditions.items() if value not in (None, ())}


def _matches_word(word: str) -> Q:
    types = [type_ for type_ in TYPES if word.casefold() in type_]
    condition = _any_contains(SEARCHED_FIELDS, word) | Q(type__in=types)
    # Projects and users are searched in subqueries: they are few, and comparing ids is cheaper than comparing texts.
    condition |= Q(project__in=Project.objects.filter(_any_contains(SEARCHED_PROJECT_FIELDS, word)).values("pk"))
    condition |= Q(user__in=User.objects.filter(_any_contains(SEARCHED_USER_FIELDS, word)).values("pk"))
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        condition |= Q(pk=int(number))
    return condition


def _any_contains(columns: Sequence[str], word: str) -> Q:
    condition = Q()
    for column in columns:
        condition |= Q(**{f"{column}__icontains": word})
    return condition


def _parse_id(text: str, _zone: tzinfo) -> int:
    return parse_positive_int(text)


def parse_positive_int(text: str, maximum: int = MAX_ID) -> int:
    """Parses a whole number from 1 to `maximum`. Raises ValueError with a sentence for a person."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= maximum):
        to = "" if maximum == MAX_ID else f" to {maximum}"
        raise ValueError(f"Give a whole number from 1{to}.")
    return int(text)


def _parse_search(text: str, _zone: tzinfo) -> str:
    if len(text) > MAX_SEARCH_LENGTH or len(text.split()) > MAX_SEARCH_WORDS or "\0" in text:
        raise ValueError(f"Search for at most {MAX_SEARCH_WORDS} words of {MAX_SEARCH_LENGTH} characters altogether.")
    return text


def _parse_time(text: str, zone: tzinfo, end: bool = False) -> datetime:
    """Parses a time, in `zone` where the text has none; a day alone is its beginning, or with `end` its end."""
    # A plus sign that was not percent-encoded arrives as a space.
    head, _, tail = text.rpartition(" ")
    if head and "T" in head:
        text = f"{head}+{tail}"
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime.combine(day, time.max if end else time.min, zone).astimezone(UTC)
        time_ = datetime.fromisoformat(text)
        return (time_ if time_.tzinfo else time_.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Give a day like 2026-01-31, or a time like 2026-01-31T12:00:00Z.") from None


PARSERS: Final[dict[str, Any]] = {
    "project_id": _parse_id,
    "user_id": _parse_id,
    "schedule_id": _parse_id,
    "since": _parse_time,
    "until": lambda text, zone: _parse_time(text, zone, end=True),
    "q": _parse_search,
}

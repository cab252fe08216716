"""Reads a provider's answers: the JSON, the sentence of an error, the pause that it asks for."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final

from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
)
from exports.transport.provider_api import RateHeaders

RATE_HEADERS: Final = RateHeaders()
# A value takes up to 200 bytes of memory, however few it has in the answer. Pages of 300 objects hold a tenth of this.
MAX_VALUES: Final = 200_000
TEXT_OR_BEGINNING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.S)
QUOTE: Final = ord('"')
SURROGATE: Final = re.compile("[\ud800-\udfff]")
# What is longer is no sentence for a person.
MAX_ERROR_BYTES: Final = 256 * 1024
MAX_PAUSE_SECONDS: Final = 3600.0
DEFAULT_PAUSE_SECONDS: Final = 60.0
# Monthly limits are the longest that are known.
MAX_RESET_SECONDS: Final = 32 * 86_400.0
PAUSE_HEADERS: Final = (
    "Retry-After",
    "X-RateLimit-Reset",
    "RateLimit-Reset",
    "X-Rate-Limit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Reset-Requests",
)
# The one header of the newer drafts of the same: "default";r=0;t=30, before that limit=9, remaining=0, reset=30.
RATE_LIMIT_RESET: Final = re.compile(r"(?:;\s*t|\breset)\s*=\s*([0-9]{1,9})(?![0-9.])", re.A)
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?", re.A)
UNIT_SECONDS: Final = {
    **{"ms": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0},
    **{"minute": 60.0, "minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86_400.0},
}
DURATION_PART: Final = re.compile(
    rf"([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) ?({'|'.join(UNIT_SECONDS)})(?![a-z])", re.I | re.A
)
DURATION: Final = re.compile(rf"(?:{DURATION_PART.pattern} ?)+", re.I | re.A)


class TooManyValuesError(ValueError):
    """An answer with more than MAX_VALUES values."""


def parse_json(raw: bytes) -> Any:
    """The value, without what databases refuse: NUL and unpaired surrogates (a text cut inside an emoji).

    Raises ValueError (TooManyValuesError), RecursionError.
    """
    if (encoding := json.detect_encoding(raw)) != "utf-8":
        raw = raw.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    if len(raw) > MAX_VALUES and _has_too_many_values(raw):
        raise TooManyValuesError
    body = json.loads(raw)
    # Such a character comes as an escape, or as it is: NUL not inside a text, a surrogate with this byte.
    return _storable(body) if b"\\u" in raw or b"\xed" in raw else body


def read_json(raw: bytes) -> tuple[Any, str]:
    """The value of a body, None for an empty one; and what the body is instead where it cannot be read, else ""."""
    try:
        return (parse_json(raw) if raw.strip() else None), ""
    except TooManyValuesError:
        return None, "more values than the portal reads"
    except (ValueError, RecursionError):
        return None, "something that is not JSON"


def _has_too_many_values(raw: bytes) -> bool:
    """Whether the JSON holds too many: every container and every comma outside a text begins one."""
    beginnings = (1 for found in TEXT_OR_BEGINNING.finditer(raw) if raw[found.start()] != QUOTE)
    return next(islice(beginnings, MAX_VALUES, None), None) is not None


def _storable(value: Any) -> Any:
    """The value with its texts as a database takes them; a text may well hold a backslash and "u0000"."""
    if isinstance(value, str):
        text = value.replace("\0", "")
        return text.encode("utf-8", "replace").decode() if SURROGATE.search(text) else text
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def error_text(body: Any, depth: int = 0) -> str:
    """The sentence for a person in an error body of any shape seen so far, at most 300 characters; else ""."""
    if depth > 5:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (error_text(item, depth + 1) for item in body[:5])))[:300]
    if isinstance(body, dict):
        for key in ("message", "msg", "error", "errors", "detail", "error_description"):
            if text := error_text(body.get(key), depth + 1):
                return text
        return ""
    if not isinstance(body, (str, int, float)):
        return ""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(body)[:3000]).strip()[:300]


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None, first: str = "") -> float:
    """Seconds to wait after a 429, from 1 to 3600: by Retry-After, X-RateLimit-Reset and the like, else 60.

    Retry-After is RFC 9110 §10.2.3; the others have no standard, so any unit may come in any of them. A value that
    makes sense in no unit counts as absent. `now`: epoch seconds; default: by the answer's Date, else the clock's.
    `first`: the provider's own header, which is read before those.
    """
    if now is None:
        now = _date_seconds(headers.get("Date", "")) or time.time()
    for name in (*filter(None, [first]), *PAUSE_HEADERS):
        seconds = _pause_seconds(headers.get(name, ""), now)
        if seconds is not None and not (seconds == 0 and name != "Retry-After"):
            return min(max(seconds, 1.0), MAX_PAUSE_SECONDS)
    if match := RATE_LIMIT_RESET.search(headers.get("RateLimit", "")):
        return min(max(float(match[1]), 1.0), MAX_PAUSE_SECONDS)
    milliseconds = _number(headers.get("Retry-After-Ms", ""))
    if milliseconds is not None:
        return min(max(milliseconds / 1000, 1.0), MAX_PAUSE_SECONDS)
    return DEFAULT_PAUSE_SECONDS


def _pause_seconds(text: str, now: float) -> float | None:
    """Seconds from now, below 0 for the past, as the text says in a number or a date; None where it makes no sense."""
    text = text.strip().strip("\"'")
    number = _number(text)
    if number is None:
        # Some proxies join what two of them say: "30, 30".
        first, comma, _ = text.partition(",")
        number = _number(first) if comma else None
    if number is None:
        seconds = _duration_seconds(text) if DURATION.fullmatch(text) else _seconds_until(text, now)
        return seconds if seconds is not None and seconds <= MAX_RESET_SECONDS else None
    for unit in (1, 1e3, 1e6, 1e9):  # since 1970, in seconds, milliseconds, microseconds, nanoseconds
        if abs(number / unit - now) <= MAX_RESET_SECONDS:
            return number / unit - now
    if number <= MAX_PAUSE_SECONDS or (number <= 86_400 and number % 1000):
        return (
            number  # A pause of up to a day is asked for now and then. Round thousands above an hour are not seconds.
        )
    milliseconds = number / 1000
    return milliseconds if milliseconds <= MAX_PAUSE_SECONDS else None


def _number(text: str) -> float | None:
    """A finite number in ASCII digits, with sign and fraction where there are; else None."""
    match = NUMBER.fullmatch(text.strip())
    return float(match[0]) if match else None


def _duration_seconds(text: str) -> float:
    """The seconds of "1m30s", "250ms", "2 hours"."""
    return sum(float(number) * UNIT_SECONDS[unit.lower()] for number, unit in DURATION_PART.findall(text))


def _seconds_until(text: str, now: float) -> float | None:
    """Seconds from now until a date; None where it is none."""
    moment = _date_seconds(text)
    return None if moment is None else moment - now


def _date_seconds(text: str) -> float | None:
    """Epoch seconds of an HTTP date or an ISO 8601 time (UTC where it names no zone); else None."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def error_of_status(
    status: int, sentence: str, headers: Mapping[str, str], names: RateHeaders = RATE_HEADERS
) -> ProviderError:
    """What an answer that is no 2xx means, by RFC 9110 §15: busy, refused, not there, or unclear.

    `names`: the headers that tell of the provider's limits.
    """
    word = str(status)
    if status == 429 or names.is_slow_down(status, headers):
        seconds = retry_after_seconds(headers, first=names.reset)
        return BusyError(sentence, seconds=seconds, pause=True, provider_status=word)
    if status in (401, 403):
        return CredentialError(sentence, renewable=status == 401, known=status == 403, provider_status=word)
    if status in (404, 410):
        return NotFoundError(sentence, provider_status=word)
    if status in (408, 423, 425):
        return BusyError(sentence, seconds=15, provider_status=word)
    if 400 <= status < 500:
        return RefusedError(sentence, provider_status=word)
    return UnclearError(sentence, provider_status=word)

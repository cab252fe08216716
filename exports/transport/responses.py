"""Reads a provider's answers: the JSON, the sentence of an error, the pause that it asks for."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

MAX_PAUSE_SECONDS: Final = 3600.0


def parse_json(raw: bytes) -> Any:
    """The value, without what databases refuse: NUL and unpaired surrogates (a text cut inside an emoji).

    Raises ValueError, RecursionError.
    """
    body = json.loads(raw)
    return _storable(body) if b"\\u" in raw else body


def _storable(value: Any) -> Any:
    """The value with its texts as a database takes them; a text may well hold a backslash and "u0000"."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def is_final_refusal(status: int, raw: bytes, is_own_error: Callable[[object], bool]) -> bool:
    """Whether one answer with this 4xx, or with a refusal inside a 2xx, is enough to end a job that was accepted.

    Only the provider's own word is: an error in the form of its API (`is_own_error`), or a 401, which HTTP defines, as
    JSON or without a body. What else comes is of a firewall, a proxy or a page in front of it. A 404 or 410 is not
    enough whoever says it, because a job may be missing from the first polls.
    """
    if status in (404, 410):
        return False
    if not raw.strip():
        return status == 401
    try:
        body = parse_json(raw)
    except (ValueError, RecursionError):
        return False
    return status == 401 or is_own_error(body)


def error_text(body: Any, depth: int = 0) -> str:
    """The sentence for a person in an error body of any shape seen so far, at most 300 characters; else ""."""
    if depth > 5:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (error_text(item, depth + 1) for item in body[:5])))[:300]
    if isinstance(body, dict):
        for key in ("message", "msg", "error", "detail", "error_description"):
            value = body.get(key)
            if value:
                return error_text(value, depth + 1)
        return ""
    if not isinstance(body, (str, int, float)):
        return ""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(body)).strip()[:300]


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float:
    """Seconds to wait after a 429, from 1 to 3600: Retry-After (RFC 9110 §10.2.3), X-RateLimit-Reset, else 60."""
    now = time.time() if now is None else now
    seconds: float | None = None
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after:
        try:
            seconds = float(retry_after)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(retry_after).timestamp() - now
            except (ValueError, TypeError):
                seconds = None
    if seconds is None:
        try:
            reset = float(headers.get("X-RateLimit-Reset", ""))
        except ValueError:
            reset = 0.0
        # Epoch seconds, or, as not every provider documents its unit, seconds to wait.
        seconds = reset - now if reset > 1_000_000_000 else reset or None
    if seconds is None or seconds != seconds:  # NaN
        seconds = 60.0
    return min(max(seconds, 1.0), MAX_PAUSE_SECONDS)


ID_NAME: Final = re.compile(r"_?id|.*(_id|Id|ID)|uuid|guid", re.S)
PLAIN_ID: Final = re.compile(r"[0-9]{1,20}|[0-9a-f-]{24,36}", re.I)
MAX_IDS: Final = 8


def describe_creation(headers: Mapping[str, str], raw: bytes) -> str:
    """What an answer that names no usable job says all the same, so that a person can look for it: ids, a sentence.

    At most 300 characters, and no address, since addresses of files are secrets. "" when it says nothing.
    """
    try:
        body = parse_json(raw) if raw.strip() else None
        said = error_text(body)
    except (ValueError, RecursionError):
        body, plain = None, raw[:2000].decode("utf-8", "replace")
        said = "" if "<" in plain else re.sub(r"[\x00-\x1f\x7f]+", " ", plain).strip()[:200]
    ids = [f"{name} {value}" for name, value in _ids(body)][:MAX_IDS]
    place = headers.get("Location", "").partition("?")[0].rstrip("/").rpartition("/")[2]
    ids += [f"Location …/{place}"] if PLAIN_ID.fullmatch(place) else []
    parts = [f"It names {', '.join(ids)}." if ids else "", f"It says “{said}”." if said and "://" not in said else ""]
    return " ".join(filter(None, parts))[:300]


def _ids(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Name and value of everything that can be an id, whatever its type."""
    if isinstance(value, dict) and depth < 5:
        for key, item in list(value.items())[:50]:
            yield from _ids(item, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and depth < 5:
        for item in value[:5]:
            yield from _ids(item, name, depth + 1)
    elif any(ID_NAME.fullmatch(part) for part in name.split(".")) and not isinstance(value, bool | None):
        text = str(value).strip()[:60]
        if text and "://" not in text:
            yield name[:60], text

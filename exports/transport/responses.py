"""Reads a provider's answers: the JSON, the sentence of an error, the pause that it asks for."""

import json
import re
import time
from collections.abc import Mapping
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

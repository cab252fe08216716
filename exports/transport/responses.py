"""Reading what a provider answers: its JSON, its words for people, the pause it asks for."""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

MAX_PAUSE: Final = 3600.0


def parse_json(raw: bytes) -> Any:
    """The JSON, without what no database takes: NUL, and half characters (a text that was cut inside an emoji)."""
    body = json.loads(raw)
    if b"\\u" in raw:
        plain = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        body = json.loads(plain.replace(b"\\u0000", b""))
    return body


def error_text(body: Any, depth: int = 0) -> str:
    """What an error body says for a person, at most 300 characters; tolerant of every shape seen."""
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


def retry_after_seconds(head: Mapping[str, str], now: float | None = None) -> float:
    """Seconds to wait after a 429: Retry-After (RFC 9110 §10.2.3), X-RateLimit-Reset (epoch seconds), else 60."""
    now = time.time() if now is None else now
    seconds: float | None = None
    said = head.get("Retry-After", "").strip()
    if said:
        try:
            seconds = float(said)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(said).timestamp() - now
            except (ValueError, TypeError):
                seconds = None
    if seconds is None:
        try:
            reset = float(head.get("X-RateLimit-Reset", ""))
        except ValueError:
            reset = 0.0
        # A value that is no epoch is seconds to wait; its unit is not documented everywhere.
        seconds = reset - now if reset > 1_000_000_000 else reset or None
    if seconds is None or seconds != seconds:
        seconds = 60.0
    return min(max(seconds, 1.0), MAX_PAUSE)

"""What an answer proves: whose word a refusal is, and what an acceptance without a usable job names all the same."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from exports.transport.responses import MAX_ERROR_BYTES, error_text, parse_json

ID_NAME: Final = re.compile(r"_?id|.*(_id|Id|ID)|uuid|guid", re.S)
PLAIN_ID: Final = re.compile(r"[0-9]{1,20}|[0-9a-f-]{24,36}", re.I)
MAX_IDS: Final = 8


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


def is_page(raw: bytes) -> bool:
    """Whether a body is a web page, which no API of the providers answers with: something before it speaks."""
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def describe_creation(headers: Mapping[str, str], raw: bytes) -> str:
    """What an answer that names no usable job says all the same, so that a person can look for it: ids, a sentence.

    At most 300 characters, and no address, since addresses of files are secrets. "" when it says nothing.
    """
    raw = raw if len(raw) <= MAX_ERROR_BYTES else b""
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

"""Changes to a provider's good answer: to its JSON, its bytes, its status and its headers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from hypothesis import strategies as st

from tests.helpers.json_values import Value, values

PLACE: Final = "\ue000here"
# Stands for the address of the server that answers.
ORIGIN: Final = "http://origin"
ERROR_FIELDS: Final = ("error", "success", "message", "code", "fieldNames")


statuses = st.sampled_from([200, 200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 401, 402, 403, 404, 409, 410, 422,
                            423, 429, 451, 500, 502, 503, 504, 599])  # fmt: skip
headers = st.sampled_from(
    ["", "", "", "", "Retry-After: 10", "Retry-After: ²", "X-RateLimit-Reset: 99999999999999", "X-RateLimit-Limit: -5",
     "X-RateLimit-Remaining: " + "9" * 400, "Location: /x", "Location: http://[", "Content-Type: text/html"]
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What becomes of one good answer: at the place number `at`, by `kind`, with this value."""

    kind: str
    at: int
    value: Value
    status: int
    header: str

    def apply(self, good: Any, origin: str) -> Iterator[bytes]:
        """The whole answer on the wire, in parts: what is large must not be in this process's memory as well."""
        before, found, after = self._changed(json.loads(json.dumps(good))).replace(ORIGIN, origin).partition(PLACE)
        value = self.value if found else Value("")
        if value.is_large:
            first = (before + value.first).replace(ORIGIN, origin)
            ends = [first.encode("utf-8", "surrogatepass"), (value.last + after).encode()]
            size = sum(map(len, ends)) + len(value.unit.encode()) * value.repeat
            body: Iterator[bytes] = chain(ends[:1], value.chunks(), ends[1:])
        else:
            whole = self._damaged(f"{before}{value}{after}".replace(ORIGIN, origin))
            size, body = len(whole), iter([whole])
        head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {size}\r\n{self.header}".rstrip() + "\r\n\r\n"
        yield head.encode("latin-1")
        yield from () if self.status in (204, 304) else body

    def _damaged(self, text: str) -> bytes:
        encodings = {"utf-16": "utf-16", "utf-32": "utf-32", "mark": "utf-8-sig"}
        raw = text.encode(encodings.get(self.kind, "utf-8"), "surrogatepass")
        if self.kind == "cut":
            return raw[: self.at * 7 % (len(raw) + 1)]
        if self.kind == "bytes":
            at = self.at % (len(raw) + 1)
            return raw[:at] + b"\xff\x00" + raw[at:]
        return raw

    def _changed(self, good: Any) -> str:
        """The JSON, with PLACE where the value belongs."""
        if self.kind == "all":
            return PLACE
        places = list(_places(good))
        if self.kind != "none" and places:
            holder, key = places[self.at % len(places)]
            if self.kind == "remove":
                del holder[key]
            elif self.kind == "wrap":
                holder[key] = [holder[key]]
            elif self.kind == "more" and isinstance(holder[key], list):
                holder[key] = [*holder[key], PLACE]
            elif self.kind == "add" and isinstance(holder, dict):
                holder[ERROR_FIELDS[self.at % len(ERROR_FIELDS)]] = PLACE
            elif self.kind == "twice" and isinstance(holder, dict):
                name = json.dumps(key)
                return json.dumps(good).replace(f"{name}: ", f"{name}: {PLACE}, {name}: ", 1)
            else:
                holder[key] = PLACE
        return json.dumps(good, ensure_ascii=False).replace(f'"{PLACE}"', PLACE)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key of the value, however deep."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


UNCHANGED: Final = Change("none", 0, Value("null"), 200, "")
KINDS: Final = (
    *("set", "set", "set", "set", "remove", "wrap", "more", "add", "twice", "all", "none", "cut", "bytes"),
    *("utf-16", "utf-32", "mark"),
)


def changes() -> st.SearchStrategy[Change]:
    """One change. Most answers stay a 200, so that the body counts."""
    status = st.one_of(st.just(200), st.just(200), statuses)
    return st.builds(Change, st.sampled_from(KINDS), st.integers(0, 40), values(), status, headers)

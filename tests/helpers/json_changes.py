"""Changes to a provider's good answer: to its JSON, its bytes, its status and its headers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final

from hypothesis import strategies as st

# Longer than any answer that is read.
MAX_REPEAT: Final = 9_000_000
PLACE: Final = "\ue000here"
# Stands for the address of the server that answers.
ORIGIN: Final = "http://origin"
ERROR_FIELDS: Final = ("error", "success", "message", "code", "fieldNames")


@dataclass(frozen=True)
class Value:
    """JSON that is written out as it is: `unit` repeated between `first` and `last`."""

    unit: str
    repeat: int = 1
    first: str = ""
    last: str = ""

    def __str__(self) -> str:
        return f"{self.first}{self.unit * self.repeat}{self.last}"

    @property
    def is_large(self) -> bool:
        """Whether it is sent in pieces."""
        return self.repeat > 60_000

    def chunks(self) -> Iterator[bytes]:
        """The repeated part, in pieces."""
        per_chunk = 10_000
        yield from repeat(self.unit.encode() * per_chunk, self.repeat // per_chunk)
        yield self.unit.encode() * (self.repeat % per_chunk)


def _nested(depth: int) -> Value:
    return Value("[", depth, last="1" + "]" * depth)


def _text(unit: str, repeat: int) -> Value:
    return Value(unit, repeat, '"', '"')


def _list(unit: str, repeat: int) -> Value:
    return Value(f"{unit},", repeat, "[", f"{unit}]")


NUMBERS: Final = [
    *("null", "true", "false", "0", "-1", "1", "100", "100.0", "501.0", "99.5", "-0.0", "1e3", "1e308", "1e999"),
    *("-1e999", "NaN", "Infinity", "1e-400", "9223372036854775808", "1" + "0" * 400, "-1" + "0" * 400, "9" * 4300),
    *("9" * 4301, "253402300800", "1e18", "4294967296", "123456789012345678901234567890"),
]
TEXTS: Final = [
    *(
        "",
        " ",
        "501",
        "-501",
        "²",
        "٣",
        "1e3",
        "NaN",
        "inf",
        "100 %",
        "..",
        ".",
        "a/b",
        "a b",
        "%00",
        "501\\n",
        "\\u0000",
    ),
    *("\\ud800", "\\udc00\\ud83d", "\ud800", "\\u202e", "=1+1", "<script>", "running", "complete", "SUCCESS", "failed"),
    *("error", "canceled", "exported", "http://[", "http://x:99999/", "//host/x", "javascript:1", "?a=%zz&b", "http:"),
    *(
        "http://origin/file",
        "http://[::1]:1/x",
        "http://a@origin/",
        "http://origin/%",
        "http://\u2100.example",
        "?page=2",
    ),
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "PermissionError", "a-token-of-a-credential", "a\\r\\nX: y"),
    *("ApiKey a-token-of-a-credential", "é" * 300, "\U0001f600", "5000", "4010", "INTERNAL_ERROR", "TOO_MANY_REQUESTS"),
]
scalars = st.one_of(
    st.sampled_from(NUMBERS).map(Value),
    st.sampled_from(TEXTS).map(lambda text: _text(text, 1)),
    st.integers(-(10**20), 10**20).map(lambda number: Value(str(number))),
    st.text(max_size=20).map(lambda text: Value(json.dumps(text, ensure_ascii=False))),
)
structures = st.sampled_from(
    [
        *(Value("[]"), Value("{}"), Value("[[]]"), Value("[null]"), Value('[{"id":1},{"id":"1"}]'), Value('{"id":{}}')),
        *(Value('{"$oid":"501"}'), Value('{"en":null,"fr":[]}'), Value('{"":1}'), Value('{"id":1,"id":2}')),
        *(_nested(60), _nested(300), _nested(900), _nested(990), _nested(60_000)),
        *(Value('{"error":', 40, last='"x"' + "}" * 40), Value('{"a":', 930, last="1" + "}" * 930)),
        *(_text("x", 201), _text("ab ", 50_000), _text("é", 20_000), _list('"a"', 2_000), _list('{"id":1}', 2_000)),
    ]
)
# The longest that is read, with the most letters, and with the most values; and more than that.
large = st.sampled_from(
    [
        *(_text("x", 5_000_000), _text("x", MAX_REPEAT), _text("\\u0041", 850_000), _text("é", 2_500_000)),
        *(_text("\U0001f600", 1_250_000), Value("x", 5_000_000, '"\U0001f600', '"'), _list('{"id":1}', 95_000)),
        *(Value("x", 5_000_000, '"\\ud800\U0001f600', '"'), Value("x", 5_000_000, '"\ud800\U0001f600', '"')),
        *(
            _list("[]", 99_000),
            _list("{}", 1_700_000),
            _list('{"a":{}}', 66_000),
            _list('"\\u00e9\U0001f600"', 199_000),
        ),
        *(_list('"ab"', 1_000_000), _list("1.5", 1_300_000), _list("12345", 199_000), _nested(2_500_000)),
        *(_list('"abcdefghijklmnopqrstuvw"', 199_000), Value('\\"', 2_500_000, '"'), Value('"a":1,', 800_000, "{")),
    ]
)
values = st.one_of(scalars, scalars, scalars, structures)
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
            ends = [(before + value.first).encode("utf-8", "surrogatepass"), (value.last + after).encode()]
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
KINDS: Final = ("set", "set", "set", "set", "remove", "wrap", "more", "add", "twice", "all", "none", "cut", "bytes", "utf-16",
                "utf-32", "mark")  # fmt: skip


@st.composite
def changes(choose: st.DrawFn) -> Change:
    """One change; one in twenty is large."""
    size = choose(st.integers(0, 19))
    value = choose(large if size == 19 else values)
    return Change(choose(st.sampled_from(KINDS)), choose(st.integers(0, 40)), value, choose(statuses), choose(headers))

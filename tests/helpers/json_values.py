"""JSON values of odd types, lengths, depths and spellings, as a provider could send them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from hypothesis import strategies as st

# Longer than any answer that is read.
MAX_REPEAT: Final = 9_000_000


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
    "", " ", "501", "-501", "²", "٣", "1e3", "NaN", "inf", "100 %", "..", ".", "a/b", "a b", "%00", "501\\n",
    "\\u0000", "\\ud800", "\\udc00\\ud83d", "\ud800", "\\u202e", "=1+1", "<script>", "running", "complete",
    "SUCCESS", "failed", "error", "canceled", "exported", "http://[", "http://x:99999/", "//host/x", "javascript:1",
    "?a=%zz&b", "http:", "http://origin/file", "http://[::1]:1/x", "http://a@origin/", "http://origin/%",
    "http://\u2100.example", "?page=2", "0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "PermissionError",
    "a-token-of-a-credential", "a\\r\\nX: y", "\\u0000", "?page=2", "ApiKey a-token-of-a-credential", "é" * 300,
    "\U0001f600", "5000", "4010", "INTERNAL_ERROR", "TOO_MANY_REQUESTS",
]  # fmt: skip
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
        *(Value("x", 4_900_000, '"http://origin/', '"'), Value("%é", 1_600_000, '"http://origin/?', '"')),
        *(Value("x", 4_900_000, '"?page=', '"'), Value("a=1&", 1_200_000, '"?', '"')),
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


def values() -> st.SearchStrategy[Value]:
    """Any of them: one in four a structure, one in twenty large."""
    small = st.one_of(scalars, scalars, scalars, structures)
    return st.integers(0, 19).flatmap(lambda size: large if size == 19 else small)

"""An answer's JSON is read in little memory, however it is made, and without what no database takes."""

import json
import tracemalloc

import pytest

from exports.transport.client import MAX_BYTES
from exports.transport.proofs import describe_creation
from exports.transport.responses import MAX_VALUES, TooManyValuesError, parse_json, read_json

MAX_MEMORY = 64 * 1024 * 1024


def memory_of(raw: bytes) -> int:
    """The bytes that reading it takes at its peak, the answer's own included."""
    tracemalloc.start()
    try:
        read_json(raw)
        return len(raw) + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def filled(unit: bytes, first: bytes = b"[", last: bytes = b"0]") -> bytes:
    """An answer as long as one may be, of many units."""
    return first + unit * ((MAX_BYTES - len(first + last)) // len(unit)) + last


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'{"id":1},', b'"ab",', b"1.5,", b'{"a":{}},', b'"\\u00e9",'])
def test_many_small_values_are_not_read(unit: bytes) -> None:
    raw = filled(unit)
    assert memory_of(raw) < MAX_MEMORY
    assert read_json(raw) == (None, "more values than the portal reads")


def test_deep_values_are_not_read() -> None:
    assert memory_of(filled(b"[")) < MAX_MEMORY
    assert read_json(filled(b"[")) == (None, "more values than the portal reads")
    assert read_json(b"[" * 5_000) == (None, "something that is not JSON")


@pytest.mark.parametrize(
    ("first", "unit"),
    [("\U0001f600", "x"), ("", "\U0001f600"), ("\\ud800\U0001f600", "x"), ("\ud800\U0001f600", "x"), ("", "\\n")],
)
def test_a_text_of_any_letters_takes_little_memory(first: str, unit: str) -> None:
    raw = filled(unit.encode(), b'"' + first.encode("utf-8", "surrogatepass"), b'"')
    assert memory_of(raw) < MAX_MEMORY
    assert isinstance(read_json(raw)[0], str)


def test_of_a_long_answer_without_a_job_the_place_alone_is_described() -> None:
    """Reading it a second time would double what it takes."""
    raw = filled(b"x", '{"id": "😀'.encode(), b'"}')
    tracemalloc.start()
    try:
        assert describe_creation({"Location": "/jobs/77"}, raw) == "It names Location …/77."
        assert tracemalloc.get_traced_memory()[1] < len(raw)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
def test_commas_and_brackets_inside_texts_count_for_nothing(encoding: str) -> None:
    value = {"code": '[{,\\"' * MAX_VALUES, "name": "x"}
    assert parse_json(json.dumps(value).encode(encoding)) == value


def test_as_many_values_as_are_allowed_are_read() -> None:
    assert len(parse_json(b"[" + b"10," * (MAX_VALUES - 1) + b"10]")) == MAX_VALUES
    with pytest.raises(TooManyValuesError):
        parse_json(b"[" + b"10," * MAX_VALUES + b"10]")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("odd", ["\\ud800", "\ud800", "\\u0000", "\\udc00\\ud83d"])
def test_what_no_database_takes_is_left_out_of_every_encoding(encoding: str, odd: str) -> None:
    raw = f'{{"a{odd}": ["b{odd}"]}}'.encode(encoding, "surrogatepass")
    value = parse_json(raw)
    json.dumps(value, ensure_ascii=False).encode()
    assert "\0" not in "".join(value)
    assert "\0" not in value.popitem()[1][0]

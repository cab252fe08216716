"""Lengths and ranges are read where they are clear, and are none where they are not."""

import pytest

from exports.transport.response_reader import content_length, content_range


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("bytes 5-9/10", (5, 9, 10)),
        ("Bytes=5-9/10", (5, 9, 10)),
        ("bytes 5 - 9 / 10", (5, 9, 10)),
        ("bytes 5-9/*", (5, 9, None)),
        ("bytes 05-09/0010", (5, 9, 10)),
        ("bytes */10", None),
        ("bytes 5-9", None),
        ("bytes 9-5/10", None),
        ("bytes 5-10/10", None),
        ("bytes -5-9/10", None),
        ("bytes +5-9/10", None),
        ("bytes \xb2-9/10", None),
        ("bytes 5-9/" + "9" * 5000, None),
        ("bytes " + "9" * 5000 + "-9/10", None),
        ("lines 5-9/10", None),
        ("", None),
    ],
)
def test_a_range_is_read_or_is_none(value: str, found: tuple[int, int, int | None] | None) -> None:
    assert content_range({"Content-Range": value}) == found


@pytest.mark.parametrize(
    ("value", "found"), [("7", 7), ("007", 7), ("7,7", 7), ("7, 8", None), ("\u0667", None), ("", None)]
)
def test_a_length_is_read_or_is_none(value: str, found: int | None) -> None:
    assert content_length({"Content-Length": value}) == found

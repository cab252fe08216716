"""Validating a deeply nested body costs no more than a flat one; else a megabyte blocks a thread for seconds."""

import sys
from types import FrameType
from typing import Any

import pytest

from exports.api import body


def test_each_text_is_validated_once_however_deep_it_is() -> None:
    tower: Any = ["a"] * 500
    for _ in range(body.MAX_DEPTH - 2):
        tower = [tower]
    steps = 0

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal steps
        steps += event == "call" and frame.f_code is body._texts.__code__

    sys.setprofile(count)
    try:
        found = list(body._texts(tower))
    finally:
        sys.setprofile(None)
    assert found == ["a"] * 500
    assert steps == 501


def test_json_deeper_than_any_accepted_body_is_refused() -> None:
    tower: Any = "a"
    for _ in range(body.MAX_DEPTH):
        tower = {"b": tower}
    with pytest.raises(ValueError, match="too deep"):
        list(body._texts(tower))

"""What masks a credential's secrets is made once, and many long secrets take little memory."""

import secrets

import pytest

from exports.transport import redact as module
from exports.transport.redact import MASK, MAX_PIECES, redact


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The secrets of which a redactor was made."""
    names: list[tuple[str, ...]] = []
    make = module._Redactor

    class Counted(make):  # type: ignore[misc, valid-type]
        def __init__(self, of: tuple[str, ...]) -> None:
            names.append(of)
            super().__init__(of)

    monkeypatch.setattr(module, "_Redactor", Counted)
    monkeypatch.setattr(module, "_redactors", module._Redactors())
    return names


def test_those_of_three_hundred_credentials_are_made_once(made: list[tuple[str, ...]]) -> None:
    tokens = [secrets.token_urlsafe(24) for _ in range(300)]
    for _ in range(3):
        for token in tokens:
            assert redact([token], f"of {token}.") == f"of {MASK}."
    assert len(made) == 300


def test_long_secrets_are_dropped_before_they_fill_the_memory(made: list[tuple[str, ...]]) -> None:
    for _ in range(40):
        token = secrets.token_urlsafe(1500)
        assert redact([token], f"of {token}.") == f"of {MASK}."
    kept = module._redactors
    assert kept.size == sum(len(redactor.pieces) for redactor in kept.kept.values())
    assert kept.size <= MAX_PIECES
    assert 0 < len(kept.kept) < 40


def test_the_last_one_is_kept_however_long_it_is(monkeypatch: pytest.MonkeyPatch, made: list[tuple[str, ...]]) -> None:
    monkeypatch.setattr(module, "MAX_PIECES", 10)
    token = secrets.token_urlsafe(100)
    assert redact([token], token) == MASK
    assert redact([token], token) == MASK
    assert len(made) == 1

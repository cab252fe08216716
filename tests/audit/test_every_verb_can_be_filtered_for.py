"""Every verb that the code records is one that the activity page offers as a filter."""

import ast
from collections.abc import Iterator

from exports.audit.log import SECURITY_VERBS, VERBS
from exports.web.account.adapter import ACCOUNT_EVENTS
from tests.helpers.processes import ROOT

# Function, and the place of the verb among its arguments.
VERB_PLACES = {"record_event": 2, "record_events": 2, "record_account_event": 1}


def literals(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: a literal, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def recorded_verbs() -> set[str]:
    found = {verb for verb, _target, _sentence in ACCOUNT_EVENTS.values()}
    for path in (ROOT / "exports").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in VERB_PLACES and len(node.args) > VERB_PLACES[name]:
                    found |= set(literals(node.args[VERB_PLACES[name]]))
    return found


def test_every_recorded_verb_is_offered() -> None:
    verbs = recorded_verbs()
    assert {"added", "downloaded", "took over", "changed password", "paused"} <= verbs
    assert verbs - set(VERBS) == set()


def test_security_verbs_are_among_them() -> None:
    assert set(SECURITY_VERBS) <= set(VERBS)
    assert len(VERBS) == len(set(VERBS))

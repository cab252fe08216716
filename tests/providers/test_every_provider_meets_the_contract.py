"""Rules that every registered provider keeps."""

import re
from pathlib import Path

import pytest

from exports import states
from exports.providers import registry, testing
from exports.providers.contract import Provider
from tests.helpers.cast import SECRETS

FOLDER = Path(registry.__file__).parent
EVERY = pytest.mark.parametrize("provider", registry.PROVIDERS.values(), ids=lambda one: one.slug)


@EVERY
@pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
def test_it_meets_the_contract(provider: Provider, check: testing.Check) -> None:
    check(provider, SECRETS[provider.slug])


def test_no_other_module_compares_with_a_providers_name() -> None:
    root = FOLDER.parents[1]
    names = "|".join(registry.PROVIDERS)
    compares = re.compile(
        rf"(==|!=|\bin \(|\bin \[|\bin \{{|\bcase)[^#\n]*[\"']({names})[\"']|[\"']({names})[\"'] *(==|!=)"
    )
    found = [
        f"{path.relative_to(root)}:{number}"
        for pattern in ("exports/**/*.py", "portal/**/*.py", "templates/**/*.html")
        for path in root.glob(pattern)
        if not {"providers", "sandbox"} & set(path.relative_to(root).parts)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if compares.search(line)
    ]
    assert found == []


def test_every_error_code_says_who_must_act() -> None:
    assert set(states.DEFAULT_ACTION) == set(states.ERROR_CODES)
    assert set(states.DEFAULT_ACTION.values()) <= set(states.ACTIONS)

"""Rules that every registered provider keeps."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from exports import states
from exports.providers import registry
from exports.providers.contract import Kind, Provider
from exports.storage.verify import CONTENT_TYPES
from exports.transport.ssrf import AddressGuard
from tests.helpers.cast import SECRETS

FOLDER = Path(registry.__file__).parent
EVERY = pytest.mark.parametrize("provider", registry.PROVIDERS.values(), ids=lambda one: one.slug)
KINDS = pytest.mark.parametrize(
    ("provider", "kind"),
    [(provider, kind) for provider in registry.PROVIDERS.values() for kind in provider.kinds],
    ids=lambda one: getattr(one, "slug", getattr(one, "type", "")),
)


@EVERY
def test_its_declaration_is_complete(provider: Provider) -> None:
    assert re.fullmatch(r"[a-z]+", provider.slug)
    assert provider.label
    assert provider.docs.startswith("https://")
    assert provider.kinds
    assert len({kind.type for kind in provider.kinds}) == len(provider.kinds)
    for address in provider.origins.values():
        AddressGuard().check(address)
    assert set(provider.status_map.values()) <= {"running", "done", "failed", "canceled"}
    assert all(word == word.lower() for word in provider.status_map)


@KINDS
def test_each_kind_is_complete(provider: Provider, kind: Kind) -> None:
    assert kind.label
    assert set(kind.formats) <= {*CONTENT_TYPES, "none"}
    assert kind.has_file == ("none" not in kind.formats)
    assert timedelta(minutes=30) <= kind.deadline <= timedelta(days=2)
    assert 0 < kind.poll_interval.initial <= kind.poll_interval.maximum
    assert kind.poll_interval.factor > 1
    assert kind.rate_class in {"normal", *provider.limits}
    assert kind.effect == "copies" or kind.cost, "what changes something says so before the button"
    for option in (*kind.options_with_choices, *filter(None, [kind.relay_option])):
        assert option in kind.options.base_fields
    for name, field in kind.options.base_fields.items():
        assert field.label or name, name


@KINDS
def test_a_job_of_ten_minutes_costs_at_most_twenty_polls(provider: Provider, kind: Kind) -> None:
    looks, passed, gap = 0, 0.0, kind.poll_interval.initial
    while passed < 600:
        passed += gap
        looks += 1
        gap = min(gap * kind.poll_interval.factor, kind.poll_interval.maximum)
    assert looks <= 20


@EVERY
def test_its_secrets_are_checked_field_by_field(provider: Provider) -> None:
    good = SECRETS[provider.slug]
    assert provider.secret_problems(good) == {}
    assert provider.secret_problems({})
    assert "nonsense" in provider.secret_problems({**good, "nonsense": "x"})
    for name in good:
        assert name in provider.secret_problems({**good, name: "line\nbreak"})
    assert {secret.name for secret in provider.secrets} >= set(good)


@EVERY
def test_an_unknown_status_is_unknown(provider: Provider) -> None:
    assert provider.map_status("ruminating") == "unknown"
    assert provider.map_status("") == "unknown"
    for word, state in provider.status_map.items():
        assert provider.map_status(word.upper()) == state


@EVERY
def test_its_file_is_short_and_knows_no_model_setting_or_queue(provider: Provider) -> None:
    path = FOLDER / f"{provider.slug}.py"
    source = path.read_text()
    assert len(source.splitlines()) < 150
    imported = {
        name
        for node in ast.walk(ast.parse(source))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
        + ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }
    assert not {
        name for name in imported if re.match(r"exports\.(models|engine)|django\.(db|conf)|celery|requests", name)
    }


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

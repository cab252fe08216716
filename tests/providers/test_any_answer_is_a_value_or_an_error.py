"""Whatever a provider answers to whichever call of the contract: a value that can be kept and shown, or an error."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports import states
from exports.credentials.client import retry_with_fresh_token
from exports.providers.contract import Accepted, Job, Provider, Ready, Status
from exports.providers.registry import PROVIDERS
from exports.transport.client import Client
from exports.transport.errors import BusyError, ProviderError
from tests.helpers.fuzzing import fuzz, within_bounds
from tests.helpers.json_changes import Change, changes
from tests.helpers.provider_answers import CALLS, answering, call, client_of, jobs_of
from tests.helpers.raw_server import RawServer, run_raw_server
from tests.helpers.samples import ANSWERS

# What is stored of one export, as JSON.
MAX_STORED_BYTES = 1_000_000


@pytest.fixture(scope="module")
def host() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def texts_in(value: object) -> Iterator[str]:
    """Every text in the value. Fails for a number that no database takes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from texts_in(name)
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)


def check_value(value: object) -> None:
    """It can be kept in a database and shown."""
    for text in texts_in(value):
        assert "\0" not in text
        text.encode()
    if isinstance(value, Ready):
        assert len(json.dumps(dict(value.baseline), allow_nan=False)) < MAX_STORED_BYTES
    if isinstance(value, Status):
        assert value.state in ("running", "done", "failed", "canceled", "unknown")
        assert value.progress is None or 0 <= value.progress <= 100
        assert value.code in states.ERROR_CODES
        assert len(json.dumps(dict(value.memo or {}), allow_nan=False)) < MAX_STORED_BYTES
    if isinstance(value, Accepted):
        assert len(value.remote_id) <= 200
        check_value(value.status)


def check_error(error: ProviderError, client: Client) -> None:
    """It has a sentence, in which no secret is, and a code of the portal's."""
    assert error.message.strip()
    assert error.code in states.ERROR_CODES
    assert error.code != "internal"
    assert not isinstance(error, BusyError) or 1 <= error.seconds <= 86_400
    assert not any(secret in error.message for secret in ANSWERS[client.provider.slug].secrets.values())
    error.message.encode()


def ask(name: str, provider: Provider, client: Client, job: Job) -> list[Any]:
    """What the call returns; nothing where it raises an error of the contract."""
    try:
        with within_bounds(provider.slug):
            found: list[Any] = retry_with_fresh_token(client, lambda: call(name, provider, client, job))
    except ProviderError as error:
        check_error(error, client)
        return []
    for value in found:
        check_value(value)
    return found


@fuzz(examples=50, shares=2)
@given(
    slug=st.sampled_from(sorted(ANSWERS)),
    which=st.integers(0, 3),
    names=st.lists(st.sampled_from(CALLS), min_size=1, max_size=3),
    plan=st.lists(st.one_of(st.none(), changes()), min_size=1, max_size=5),
)
def test_any_answer_to_any_call(
    host: RawServer, slug: str, which: int, names: list[str], plan: list[Change | None]
) -> None:
    provider = PROVIDERS[slug]
    answering(host, slug, plan)
    jobs = jobs_of(provider)
    job = jobs[which % len(jobs)]
    client = client_of(provider, host)
    for name in names:
        if name in ("poll", "find") and not job.remote_id:
            job = replace(job, baseline={}, remote_id=ANSWERS[slug].remote_id)
        for value in ask(name, provider, client, job):
            if isinstance(value, Ready):
                job = replace(job, baseline=value.baseline)
            elif isinstance(value, Accepted):
                job = replace(job, remote_id=value.remote_id, memo=value.status.memo or {})
            elif isinstance(value, Status):
                job = replace(job, memo=job.memo if value.memo is None else value.memo)

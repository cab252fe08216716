"""The answers of every provider to every call of the contract, for jobs that are done."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from exports.providers.contract import Job, Provider
from exports.transport.client import Client
from tests.helpers.json_changes import UNCHANGED, Change
from tests.helpers.raw_server import RawServer
from tests.helpers.samples import ANSWERS


def answer_to(provider: str, head: bytes) -> Any:
    """What this provider answers to the request with this head."""
    line = head.decode("latin-1").partition("\r\n")[0]
    return next(answer for pattern, answer in ANSWERS[provider].answers if re.match(pattern, line))


def answering(host: RawServer, provider: str, plan: Sequence[Change | None]) -> None:
    """The host gives the provider's answers, each changed by the next of the plan, and then the first again."""
    count = 0

    def reply(head: bytes) -> Iterator[bytes]:
        nonlocal count
        change = plan[count % len(plan)]
        count += 1
        return (change or UNCHANGED).apply(answer_to(provider, head), host.origin)

    host.requests.clear()
    host.answer_everything(reply)


def client_of(provider: Provider, host: RawServer) -> Client:
    """A client of the provider that calls the host."""
    return Client(provider, host.origin, ANSWERS[provider.slug].secrets, host.guard)


def jobs_of(provider: Provider) -> list[Job]:
    """A job of each kind and format, before its request was sent."""
    sample = ANSWERS[provider.slug]
    jobs = [
        Job(sample.project, kind.type, format_, sample.options.get(kind.type, {}))
        for kind in provider.kinds
        for format_ in kind.formats
    ]
    return [*jobs, *(replace(jobs[0], options=options) for options in sample.more_options)]


# Every call of the contract.
CALLS: Final = ("submit", "poll", "find", "prepare", "check", "projects", "choices", "preflight")


def call(name: str, provider: Provider, client: Client, job: Job) -> list[object]:
    """Makes this call of the contract, with its arguments. Returns what it returned."""
    if name == "projects" or name == "check":
        return [getattr(provider, name)(client)]
    if name == "choices":
        kind = provider.kind(job.type)
        return [provider.choices(client, job.project, option) for option in (kind.options_with_choices if kind else ())]
    return [getattr(provider, name)(client, job)]

"""The importable contract test refuses each mistake with a sentence, and passes a provider without one."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from exports.providers import contract, parsing, testing
from exports.providers.contract import Accepted, Job, Kind, PollInterval, SecretField, Status
from exports.transport.client import Client

SECRETS = {"token": "a-token"}
KIND = Kind("archive", "Archive", ("tar.gz",), contract.NoOptions, timedelta(hours=2))


class Good(contract.Provider):
    slug, label, docs = "good", "Good", "https://docs.example.org/"
    origins: ClassVar[Mapping[str, str]] = {"production": "https://api.example.org"}
    secrets = (SecretField("token", "Token"),)
    kinds = (KIND,)
    status_map: ClassVar[Mapping[str, contract.JobState]] = {"ready": "done"}

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def submit(self, client: Client, job: Job) -> Accepted:
        return Accepted(parsing.remote_id(parsing.mapping(client.post("/jobs", {}, creates=True).body).get("id")))

    def poll(self, client: Client, job: Job) -> Status:
        return Status(self.map_status(parsing.text(parsing.mapping(client.get("/jobs/1").body).get("status"))))

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask", lambda: str(client.get("/me").status)))


def with_kind(**changes: Any) -> dict[str, Any]:
    return {"kinds": (replace(KIND, **changes),)}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"slug": "Not A Slug"}, "The slug"),
    ({"label": ""}, "no label"),
    ({"docs": "http://example.org"}, "https"),
    ({"origins": {}}, "no origin"),
    ({"kinds": ()}, "no kind"),
    ({"kinds": (KIND, KIND)}, "one type"),
    ({"status_map": {"ready": "finished"}}, "no state"),
    ({"status_map": {"Ready": "done"}}, "lower case"),
    ({"limits": {"normal": (0, 1.0)}}, "allows nothing"),
    ({"project_pattern": "/projects/"}, "no group"),
    ({"origin_notes": {"sandbox": "x"}}, "that it lacks"),
    (with_kind(type="Bad Type"), "no type"),
    (with_kind(formats=("rar",)), "does not declare"),
    (with_kind(formats=()), "does not declare"),
    (with_kind(formats=("none", "zip")), "a file and none"),
    (with_kind(deadline=timedelta(minutes=1)), "deadline"),
    (with_kind(poll_interval=PollInterval(1.0, 1.0)), "rarer"),
    (with_kind(poll_interval=PollInterval(1.0, 1.5, 5.0)), "polls"),
    (with_kind(rate_class="strict"), "rate class"),
    (with_kind(effect="changes"), "does not say"),
    (with_kind(formats=("none",), authorised_download=True), "no file"),
    (with_kind(options_with_choices=("x",)), "no option"),
    (with_kind(cleans_up=True), "clean_up"),
    ({"lists_projects": True}, "projects"),
    ({"submit": contract.Provider.submit}, "submit"),
    ({"secret_problems": lambda self, secrets: {}}, "without any secret"),
    ({"map_status": lambda self, word: "done"}, "knows the word"),
    ({"poll": lambda self, client, job: Status(client.get("/x").body["status"])}, "poll raises"),
    ({"poll": lambda self, client, job: client.get("/x").body}, "poll returns"),
    ({"preflight": lambda self, client, job: ("It is locked.",)}, "and not PreflightResults"),
    ({"submit": lambda self, client, job: client.get("x")}, "no path"),
]


def test_a_provider_without_a_mistake_passes() -> None:
    assert testing.contract_problems(Good(), SECRETS) == []


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=[sentence for _, sentence in MISTAKES])
def test_each_mistake_has_its_sentence(changes: dict[str, Any], sentence: str) -> None:
    make: Callable[..., Any] = type
    problems = testing.contract_problems(make("Wrong", (Good,), changes)(), SECRETS)
    assert any(re.search(sentence, problem) for problem in problems), problems


def test_an_incomplete_declaration_is_named_first() -> None:
    assert testing.contract_problems(contract.Provider(), {})[0].startswith("It does not declare slug, label")

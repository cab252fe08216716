"""Each fault project misbehaves in one fixed way."""

from collections.abc import Callable

import pytest

from exports.sandbox.fault_projects import FAULT_PROJECTS, ID_FORMATS
from exports.sandbox.faults import FAULTS
from exports.sandbox.options import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client, download

Make = Callable[[str], Client]
# Not worth a project of their own: the others show the same thing.
WITHOUT_PROJECT: set[str] = set()


def test_every_fault_has_a_project() -> None:
    shown = {fault for row in FAULT_PROJECTS for _, fault, _ in row.rules}
    assert set(FAULTS) - shown == WITHOUT_PROJECT


def test_numbers_and_ids_are_unique() -> None:
    assert len({row.number for row in FAULT_PROJECTS}) == len(FAULT_PROJECTS)
    for provider in ID_FORMATS:
        assert len({row.id_at(provider) for row in FAULT_PROJECTS}) == len(FAULT_PROJECTS)


def test_the_same_number_is_the_same_fault_everywhere() -> None:
    assert [ID_FORMATS[name].format(7) for name in PROVIDERS] == ["100107", "65fa6b07dca2e36746100107", "107", "4107"]


@pytest.mark.parametrize(
    ("provider", "project"),
    [(name, row.id_at(name)) for row in FAULT_PROJECTS if row.number in (3, 8, 16, 22, 26) for name in row.providers],
)
def test_a_fault_project_misbehaves(client: Make, sandbox: Sandbox, provider: str, project: str) -> None:
    one = client(provider)
    try:
        answer = one.submit(project)
        good = answer.ok and one.wait(str(answer.json().get("id") or project)).word
        assert good not in ("complete", "exported", "SUCCESS", "succeeded")
    except (OSError, ValueError):
        pass
    with sandbox.state.lock:
        assert sum(rule.fired for rule in sandbox.state.faults.standing[provider, project]) >= 1


def test_a_fault_that_happens_once_happens_once_for_each_job(client: Make, sandbox: Sandbox) -> None:
    ulule = client("ulule")
    assert [ulule.submit("4103").status_code for _ in range(4)] == [500, 201, 500, 201]


def test_a_file_that_is_cut_once_is_cut_once_for_each_job(client: Make, sandbox: Sandbox) -> None:
    play = client("playcanvas")
    for _ in range(2):
        link = play.link("100153")
        with pytest.raises(OSError):  # noqa: PT011 - any way of losing a connection
            download(link)
        assert download(link).status_code == 200


def test_fault_projects_can_be_picked_from_lists(client: Make) -> None:
    names = {
        item["id"]: item["name"]
        for item in client("playcanvas").call("GET", "/api/users/7001/projects").json()["result"]
    }
    assert names[100153] == "Fault: cut_once"
    assert client("toloka").call("GET", "/api/v1/projects/117").json()["public_name"].startswith("Fault: cut")

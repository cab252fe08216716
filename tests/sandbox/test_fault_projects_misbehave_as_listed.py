"""Each fault project misbehaves in one fixed way."""

from collections.abc import Callable

import pytest

from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.faults import FAULTS
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, Client, download

Make = Callable[[str], Client]
# Not worth a project of their own: the others show the same thing.
WITHOUT_PROJECT: set[str] = set()


def test_every_fault_has_a_project() -> None:
    shown = {fault for one in DECLARATIONS.values() for row in fault_projects(one) for _, fault, _ in row.rules}
    assert set(FAULTS) - shown == WITHOUT_PROJECT


@pytest.mark.parametrize("slug", [slug for slug, one in DECLARATIONS.items() if one.fault_project_id])
def test_numbers_and_ids_are_unique(slug: str) -> None:
    numbers = [row.number for row in fault_projects(DECLARATIONS[slug])]
    assert len(set(numbers)) == len(numbers) > 30
    assert len({DECLARATIONS[slug].fault_project(number) for number in numbers}) == len(numbers)


def test_the_same_number_is_the_same_fault_everywhere() -> None:
    names: dict[int, set[str]] = {}
    for one in DECLARATIONS.values():
        for row in fault_projects(one):
            names.setdefault(row.number, set()).add(row.name)
    assert all(len(shown) == 1 for shown in names.values())


@pytest.mark.parametrize(
    ("provider", "project"),
    [
        (slug, one.fault_project(row.number))
        for slug, one in DECLARATIONS.items()
        for row in fault_projects(one)
        if row.number in (3, 8, 16, 22, 26) and slug in HEALTHY_PROJECTS
    ],
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
    tables = client(TABLES)
    assert [tables.submit("4103").status_code for _ in range(4)] == [500, 201, 500, 201]


def test_a_file_that_is_cut_once_is_cut_once_for_each_job(client: Make, sandbox: Sandbox) -> None:
    play = client(ARCHIVES)
    for _ in range(2):
        link = play.link("100153")
        with pytest.raises(OSError):  # noqa: PT011 - any way of losing a connection
            download(link)
        assert download(link).status_code == 200


def test_fault_projects_can_be_picked_from_lists(client: Make) -> None:
    names = {
        item["id"]: item["name"] for item in client(ARCHIVES).call("GET", "/api/users/7001/projects").json()["result"]
    }
    assert names[100153] == "Fault: cut_once"
    assert client(CHANGING).call("GET", "/api/v1/projects/117").json()["public_name"].startswith("Fault: cut")

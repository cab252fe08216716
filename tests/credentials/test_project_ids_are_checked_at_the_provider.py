"""Where a provider can be asked, the page asks for a typed project and keeps its one spelling; the API never asks."""

from collections.abc import Callable

import pytest
from django.test import Client

from exports.credentials import service
from exports.credentials.resolve_project import resolve_project
from exports.errors import InvalidError
from exports.models import Call, Project, Token
from exports.providers.contract import LISTS
from exports.providers.project_ids import MAX_SET_LENGTH, PATH_ID, IdRule, path_of_id
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast

PROVIDER = next(slug for slug, one in PROVIDERS.items() if one.resolves_projects)


@pytest.fixture
def add(cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]) -> Callable[..., Project]:
    credential = cast.credential(PROVIDER, origin_of(PROVIDER))

    def add_as_the_page_does(id_: str, name: str = "") -> Project:
        found = resolve_project(credential, id_)
        return service.create_project(credential, cast.owner.user, remote_id=found.id, name=name or found.name)

    return add_as_the_page_does


def test_a_path_is_kept_as_the_number(add: Callable[..., Project]) -> None:
    project = add("stand-in/lighthouse")
    assert (project.remote_id, project.name) == ("5001", "stand-in/lighthouse")


def test_the_address_of_its_page_does_too(add: Callable[..., Project]) -> None:
    project = add("https://git.example/stand-in/lighthouse/-/settings", name="Ours")
    assert (project.remote_id, project.name) == ("5001", "Ours")


def test_one_project_is_not_added_under_two_names(add: Callable[..., Project]) -> None:
    add("5001")
    with pytest.raises(InvalidError, match="already"):
        add("stand-in/lighthouse")


def test_a_project_that_is_not_there_is_refused(add: Callable[..., Project]) -> None:
    with pytest.raises(InvalidError, match="has no project"):
        add("stand-in/nowhere")


def test_while_the_provider_does_not_answer_it_is_added_as_typed(add: Callable[..., Project], sandbox: Sandbox) -> None:
    sandbox.fault(provider=PROVIDER, on="list", fault="status", status=500)
    assert add("stand-in/lighthouse").remote_id == "stand-in/lighthouse"


def test_only_the_page_asks(cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str], as_member: Client) -> None:
    credential = cast.credential(PROVIDER, origin_of(PROVIDER))
    api = Client(headers={"Authorization": f"Bearer {Token.issue(cast.member)}"})
    body = {"credential_id": credential.pk, "remote_id": "stand-in/lighthouse"}
    answer = api.post("/api/v1/projects", body, content_type="application/json")
    assert (answer.status_code, answer.json()["remote_id"]) == (201, "stand-in/lighthouse")
    assert not Call.objects.exists()
    Project.objects.all().delete()
    as_member.post(f"/t/the-team/projects/add/{credential.pk}/", {"remote_id": "stand-in/lighthouse"})
    assert Project.objects.filter(credential=credential, remote_id="5001", name="stand-in/lighthouse").exists()


def test_lists_have_a_limit_of_their_own(add: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PROVIDERS[PROVIDER]), "limits", {LISTS: (2, 60.0)})
    credential = add("stand-in/lighthouse").credential
    service.list_remote_projects(credential)
    with pytest.raises(Exception, match="allows no more lists"):
        service.list_remote_projects(credential)


def test_one_id_may_name_several_projects() -> None:
    rule = IdRule(PATH_ID.pattern, "paths", several=True)
    assert rule.normalise("b/two, a/one,b/two") == "a/one,b/two"
    assert not rule.matches("a/one,")
    assert not rule.matches("a/one,../x")
    assert not rule.matches(",".join(["owner/name"] * MAX_SET_LENGTH))


@pytest.mark.parametrize(
    ("id_", "path"), [("a/b", "a%2Fb"), ("a b?c#d", "a%20b%3Fc%23d"), ("é", "%C3%A9"), ("...", "...")]
)
def test_an_id_is_one_segment_of_a_path(id_: str, path: str) -> None:
    assert path_of_id(id_) == path


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_what_leads_elsewhere_is_no_segment(id_: str) -> None:
    with pytest.raises(ValueError, match="address"):
        path_of_id(id_)

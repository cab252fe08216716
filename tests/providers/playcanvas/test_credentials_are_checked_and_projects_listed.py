"""Testing a token of PlayCanvas, and listing branches, scenes and projects."""

import pytest

from exports.providers.contract import CheckStep, RemoteProject
from exports.providers.playcanvas import PlayCanvas
from exports.transport.client import Client
from exports.transport.errors import CredentialError, NotFoundError, UnreadableError
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer

BRANCHES = "GET /api/projects/100001/branches"
SCENES = "GET /api/projects/100001/scenes"


def page(*names: str, more: bool) -> Reply:
    rows = [{"id": f"id-{name}", "projectId": 100001, "name": name, "closed": False} for name in names]
    return Reply(body={"result": rows, "pagination": {"hasMore": more}})


def test_a_good_token_learns_its_rate_limits(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    limits = {"normal": 240, "strict": 10, "assets": 120, "post": 60, "download": 10000}
    stub.on("GET /api/ratelimits", Reply(body={"limits": limits}))
    assert playcanvas.check(client) == [
        CheckStep(
            "Ask for the token's rate limits",
            True,
            "Calls a minute: 240 normal, 10 strict.",
            {"normal": 240, "strict": 10},
        )
    ]
    assert len(stub.requests) == 1


@pytest.mark.parametrize("body", [{}, {"limits": None}, {"limits": []}, [], None])
def test_a_good_token_may_learn_no_rate_limits(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, body: object
) -> None:
    stub.on("GET /api/ratelimits", Reply(body=body))
    assert [(step.ok, step.detail) for step in playcanvas.check(client)] == [(True, "")]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_check_that_fails_says_why(playcanvas: PlayCanvas, client: Client, stub: StubServer, status: int) -> None:
    stub.on("GET /api/ratelimits", Reply(status, {"error": "No luck"}))
    (step,) = playcanvas.check(client)
    assert not step.ok
    assert "No luck" in step.detail


def test_branches_are_listed_to_the_last_page_which_goes_on_after_the_last_id(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(BRANCHES, page("art", "code", more=True), page("main", more=False))
    listed = playcanvas.choices(client, "100001", "branch_id")
    assert listed == [("id-art", "art"), ("id-code", "code"), ("id-main", "main")]
    paths = [request.path for request in stub.requests_to(BRANCHES)]
    assert paths == ["/api/projects/100001/branches", "/api/projects/100001/branches?skip=id-code"]


def test_a_list_that_repeats_its_page_ends(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(BRANCHES, page("main", more=True))
    assert playcanvas.choices(client, "100001", "branch_id") == [("id-main", "main")]
    assert len(stub.requests_to(BRANCHES)) == 2


def test_a_list_without_end_is_unreadable(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(BRANCHES, lambda request: page(f"b{len(stub.requests)}", more=True))
    with pytest.raises(UnreadableError, match="does not end"):
        playcanvas.choices(client, "100001", "branch_id")


def test_scenes_are_listed_of_the_main_branch_or_of_the_one_that_is_said(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(SCENES, Reply(body={"result": [{"id": 5, "name": "Menu"}, {"id": 7}]}))
    assert playcanvas.choices(client, "100001", "scenes") == [("5", "Menu"), ("7", "7")]
    playcanvas.choices(client, "100001", "scenes", branch="b-1")
    assert [request.path.partition("?")[2] for request in stub.requests_to(SCENES)] == ["", "branchId=b-1"]


def test_projects_are_those_of_the_token_s_user_counted_page_by_page(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    def projects(request: ReceivedRequest) -> Reply:
        skip = 2 if "skip=2" in request.path else 0
        rows = [{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}, {"id": 3, "name": "Three"}][skip : skip + 2]
        return Reply(body={"result": rows, "pagination": {"limit": 2, "skip": skip, "total": 3}})

    stub.on("GET /api/id", Reply(body={"id": 9}))
    stub.on("GET /api/users/9/projects", projects)
    assert playcanvas.projects(client) == [
        RemoteProject("1", "One"),
        RemoteProject("2", "Two"),
        RemoteProject("3", "Three"),
    ]


def test_a_list_of_projects_may_come_without_pages(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on("GET /api/id", Reply(body=9))
    stub.on("GET /api/users/9/projects", Reply(body={"result": [{"id": 1, "name": "One"}]}))
    assert playcanvas.projects(client) == [RemoteProject("1", "One")]


def test_a_token_without_the_right_to_list_is_refused(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on("GET /api/id", Reply(401, {"error": "Token does not have required scope"}))
    with pytest.raises(CredentialError, match="required scope"):
        playcanvas.projects(client)
    stub.on("GET /api/id", Reply(body={}))
    with pytest.raises(NotFoundError):
        playcanvas.projects(client)


@pytest.mark.parametrize("body", [{}, {"result": None}, [], None, {"result": {"id": 1}}])
def test_an_answer_without_a_list_is_unreadable(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, body: object
) -> None:
    stub.on(SCENES, Reply(body=body))
    with pytest.raises(UnreadableError):
        playcanvas.choices(client, "100001", "scenes")

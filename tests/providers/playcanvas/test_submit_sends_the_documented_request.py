"""Submit sends the documented request in both dialects, and takes only clear answers as an acceptance."""

from typing import Any

import pytest

from exports.providers.contract import Ready, Unknown
from exports.providers.playcanvas import PlayCanvas
from exports.transport.client import CallRecord, Client
from exports.transport.errors import RefusedError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.playcanvas.conftest import APP, DOWNLOAD, EXPORT, LINK, TOKEN, answer, app, archive

EVERYTHING = {
    **APP,
    "branch_id": "8d8ab3b3-0000-4000-8000-000000000001",
    "description": "About it",
    "version": "1.2",
    "release_notes": "New things",
    "scripts_concatenate": True,
    "scripts_minify": False,
    "scripts_sourcemaps": False,
    "optimize_scene_format": True,
    "engine_version": "1.70.0",
    "app_format": "npm",
}
SEED = {**APP, "target": "ios", "description": "About it", "version": "1", "release_notes": "New"}


def test_an_archive_of_the_main_branch_is_asked_for_with_an_empty_object(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, calls: list[CallRecord]
) -> None:
    stub.on(EXPORT, Reply(201, answer()))
    accepted = playcanvas.submit(client, archive())
    assert accepted.remote_id == "4242"
    assert (accepted.status.state, accepted.status.provider_status) == ("running", "running")
    (asked,) = stub.requests_to(EXPORT)
    assert asked.json == {}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert [(call.method, call.status) for call in calls] == [("POST", 201)]


@pytest.mark.parametrize("dialect", ["current", "seed"])
def test_an_archive_of_a_branch_names_it_in_either_dialect(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, dialect: str
) -> None:
    stub.on(EXPORT, Reply(200, answer()))
    playcanvas.submit(client, archive(dialect=dialect, options={"branch_id": "99999999-9999-9999-9999-999999999999"}))
    assert stub.requests_to(EXPORT)[0].json == {"branch_id": "99999999-9999-9999-9999-999999999999"}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_an_id_is_accepted(playcanvas: PlayCanvas, client: Client, stub: StubServer, status: int) -> None:
    stub.on(EXPORT, Reply(status, answer()))
    stub.on(DOWNLOAD, Reply(status, answer(data={"project_id": 100001})))
    assert playcanvas.submit(client, archive()).remote_id == "4242"
    assert playcanvas.submit(client, app()).remote_id == "4242"


def test_an_app_is_asked_for_with_the_options_that_are_set_and_no_others(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(DOWNLOAD, Reply(201, answer()))
    unset = {"description": "", "branch_id": None, "scripts_minify": None, "target": ""}
    playcanvas.submit(client, app(options={**APP, **unset}))
    assert stub.requests_to(DOWNLOAD)[0].json == {"project_id": 100001, "name": "My game", "scenes": [7, 5]}


def test_an_app_is_asked_for_with_every_option_under_its_current_name(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(DOWNLOAD, Reply(201, answer()))
    playcanvas.submit(client, app(options=EVERYTHING))
    wanted: dict[str, Any] = {**EVERYTHING, "project_id": 100001, "format": "npm"}
    del wanted["app_format"]
    assert stub.requests_to(DOWNLOAD)[0].json == wanted


def test_a_false_option_is_sent_because_it_was_set(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(DOWNLOAD, Reply(201, answer()))
    playcanvas.submit(client, app(options={**APP, "scripts_concatenate": False}))
    assert stub.requests_to(DOWNLOAD)[0].json["scripts_concatenate"] is False


def test_the_seed_dialect_sends_the_names_of_the_oldest_document(
    playcanvas: PlayCanvas, seed_client: Client, stub: StubServer
) -> None:
    stub.on(DOWNLOAD, Reply(201, answer()))
    playcanvas.submit(seed_client, app(dialect="seed", options={**SEED, "scripts_concatenate": True}))
    assert stub.requests_to(DOWNLOAD)[0].json == {
        "project_id": 100001,
        "name": "My game",
        "source_pack_ids": [7, 5],
        "target": "ios",
        "description": "About it",
        "version": "1",
        "release_notes": "New",
        "script_concatenate": True,
    }


def test_the_seed_dialect_says_web_where_no_target_was_chosen_since_it_was_required(
    playcanvas: PlayCanvas, seed_client: Client, stub: StubServer
) -> None:
    stub.on(DOWNLOAD, Reply(201, answer()))
    playcanvas.submit(seed_client, app())
    body = stub.requests_to(DOWNLOAD)[0].json
    assert body == {"project_id": 100001, "name": "My game", "source_pack_ids": [7, 5], "target": "web"}


def test_an_option_the_dialect_has_no_word_for_is_refused_before_anything_is_sent(
    playcanvas: PlayCanvas, client: Client, seed_client: Client, stub: StubServer
) -> None:
    with pytest.raises(RefusedError, match=r"current dialect .* target") as caught:
        playcanvas.submit(client, app(options={**APP, "target": "ios"}))
    assert caught.value.code == "rejected"
    with pytest.raises(RefusedError, match=r"seed dialect .* branch_id, engine_version"):
        playcanvas.submit(seed_client, app(options={**APP, "branch_id": "b", "engine_version": "1"}))
    assert stub.requests == []


def test_a_project_that_is_no_number_is_sent_as_it_is(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(DOWNLOAD, Reply(201, answer(data={})))
    playcanvas.submit(client, app(project="my-project"))
    assert stub.requests_to(DOWNLOAD)[0].json["project_id"] == "my-project"


@pytest.mark.parametrize("project", ["..", ".", "a/b", "a?b", "a b"])
def test_a_project_that_would_lead_to_another_path_is_not_found(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, project: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        playcanvas.submit(client, archive(project=project))
    assert caught.value.code == "not_found"
    assert stub.requests == []


@pytest.mark.parametrize("body", [{}, {"status": "running"}, {"id": ""}, {"id": True}, {"id": None}, [1], 7, None])
def test_a_2xx_without_an_id_is_unreadable(playcanvas: PlayCanvas, client: Client, stub: StubServer, body: Any) -> None:
    stub.on(EXPORT, Reply(201, body))
    with pytest.raises(UnreadableError) as caught:
        playcanvas.submit(client, archive())
    assert not caught.value.final


@pytest.mark.parametrize("reply", [Reply(201, "<html>Welcome</html>"), Reply(500, {"error": "x"}), Reply(cut=True)])
def test_an_answer_that_leaves_it_open_is_unclear_and_is_not_asked_again(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, reply: Reply
) -> None:
    stub.on(EXPORT, reply)
    with pytest.raises(UnclearError):
        playcanvas.submit(client, archive())
    assert len(stub.requests_to(EXPORT)) == 1


@pytest.mark.parametrize("data", [{"project": {"id": 7}}, {"project_id": 7}, {"project": 7}, {"project_id": "7"}])
def test_an_answer_about_another_project_is_never_taken(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, data: dict[str, Any]
) -> None:
    stub.on(EXPORT, Reply(201, answer(data=data)))
    with pytest.raises(UnreadableError, match="another project, 7") as caught:
        playcanvas.submit(client, archive())
    assert caught.value.final


@pytest.mark.parametrize(("id_", "known_as"), [("501", "501"), (501.0, "501"), ("job-5.01", "job-5.01")])
def test_an_id_of_another_type_is_taken_and_can_be_polled(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, id_: object, known_as: str
) -> None:
    stub.on(EXPORT, Reply(201, answer(id=id_)))
    accepted = playcanvas.submit(client, archive())
    assert accepted.remote_id == known_as
    stub.on(f"GET /api/jobs/{known_as}", Reply(body=answer("complete", id=id_, data={"url": LINK})))
    assert playcanvas.poll(client, archive(remote_id=known_as)).link == LINK


def test_a_job_that_is_complete_at_once_comes_with_its_link(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(EXPORT, Reply(201, answer("complete", data={"url": LINK})))
    accepted = playcanvas.submit(client, archive())
    assert (accepted.status.state, accepted.status.link) == ("done", LINK)


def test_nothing_is_listed_before_and_nothing_can_be_found_after(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    assert playcanvas.prepare(client, archive()) == Ready()
    found = playcanvas.find(client, archive())
    assert isinstance(found, Unknown)
    assert not found.may_turn_up
    assert stub.requests == []

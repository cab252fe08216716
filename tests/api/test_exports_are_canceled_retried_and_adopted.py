"""Exports are canceled, retried, adopted and fetched again through the API."""

from typing import Any

import pytest

from exports import states
from exports.models import Change, Export
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING
from tests.helpers.run_exports import request_export


@pytest.fixture
def failed(export: Export) -> Export:
    export.move(states.FAILED, source="poll", error_code="unconfirmed", error_action="you")
    return export


def test_an_open_export_is_canceled(member_api: ApiClient, export: Export) -> None:
    answer = member_api.post(f"/exports/{export.pk}/cancel")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["status"], body["step"], body["next_step_at"]) == (export.pk, "canceled", "none", None)
    assert body["finished_at"]
    last = Change.objects.filter(export=export).last()
    assert last is not None
    assert (last.source, last.actor) == ("api", "member@example.org")


def test_an_ended_export_is_not_canceled(member_api: ApiClient, failed: Export) -> None:
    assert "failed" in problem_body(member_api.post(f"/exports/{failed.pk}/cancel"), 409)["detail"]


def test_cancel_takes_no_fields(member_api: ApiClient, export: Export) -> None:
    assert set(problem_body(member_api.post(f"/exports/{export.pk}/cancel", {"reason": "x"}), 422)["errors"]) == {
        "reason"
    }
    export.refresh_from_db()
    assert export.is_open


def test_a_retry_is_a_new_export_that_points_back(member_api: ApiClient, failed: Export) -> None:
    answer = member_api.post(f"/exports/{failed.pk}/retry")
    assert answer.status_code == 201
    body = answer.json()
    assert body["id"] != failed.pk
    assert (body["status"], body["trigger"], body["retry_of"]) == ("waiting", "retry", failed.pk)
    assert Change.objects.get(export_id=body["id"]).source == "api"
    assert member_api.get(f"/exports/{failed.pk}").json()["status"] == "failed"


def test_an_open_export_is_not_retried(member_api: ApiClient, export: Export) -> None:
    problem_body(member_api.post(f"/exports/{export.pk}/retry"), 409)


def test_two_retries_of_one_export_create_one_export(member_api: ApiClient, failed: Export) -> None:
    first = member_api.post(f"/exports/{failed.pk}/retry").json()
    assert problem_body(member_api.post(f"/exports/{failed.pk}/retry"), 409)["export_id"] == first["id"]
    assert member_api.post(f"/exports/{failed.pk}/retry", {"allow_twin": True}).status_code == 201


def test_a_retry_needs_no_second_confirmation(member_api: ApiClient, cast: Cast) -> None:
    export = request_export(cast.project(CHANGING), cast.member, "archive")
    export.move(states.CANCELED, source="person")
    assert member_api.post(f"/exports/{export.pk}/retry").status_code == 201


@pytest.mark.parametrize("job", ["4711", 4711])
def test_a_running_job_is_adopted_as_a_new_export(member_api: ApiClient, failed: Export, job: Any) -> None:
    answer = member_api.post(f"/exports/{failed.pk}/adopt", {"remote_id": job})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["remote_id"], body["step"], body["trigger"], body["retry_of"]) == ("4711", "poll", "adopt", failed.pk)


@pytest.mark.parametrize(
    "body", [None, {}, {"remote_id": ""}, {"remote_id": "a?b"}, {"remote_id": None}, {"remote_id": 1.5}]
)
def test_adopting_requires_the_id_of_a_job(member_api: ApiClient, failed: Export, body: Any) -> None:
    assert set(problem_body(member_api.post(f"/exports/{failed.pk}/adopt", body), 422)["errors"]) == {"remote_id"}


def test_an_open_export_cannot_adopt_a_job(member_api: ApiClient, export: Export) -> None:
    problem_body(member_api.post(f"/exports/{export.pk}/adopt", {"remote_id": "1"}), 409)


def test_a_job_is_adopted_only_once(member_api: ApiClient, failed: Export) -> None:
    first = member_api.post(f"/exports/{failed.pk}/adopt", {"remote_id": "1"}).json()
    assert (
        problem_body(member_api.post(f"/exports/{failed.pk}/adopt", {"remote_id": "1"}), 409)["export_id"]
        == first["id"]
    )


def test_the_file_of_a_finished_job_is_fetched_again(member_api: ApiClient, failed: Export) -> None:
    Export.objects.filter(pk=failed.pk).update(remote_id="501", error_code="no_file")
    answer = member_api.post(f"/exports/{failed.pk}/fetch")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["step"], body["trigger"]) == ("waiting", "poll", "retry")
    assert (body["retry_of"], body["remote_id"]) == (failed.pk, "501")
    assert problem_body(member_api.post(f"/exports/{failed.pk}/fetch"), 409)["export_id"] == body["id"]
    assert problem_body(member_api.post(f"/exports/{body['id']}/fetch"), 409)["detail"].startswith("Export")


def test_without_a_job_there_is_no_file_to_fetch(member_api: ApiClient, failed: Export) -> None:
    assert "not known" in problem_body(member_api.post(f"/exports/{failed.pk}/fetch"), 409)["detail"]


def test_a_kind_without_a_file_has_none_to_fetch(cast: Cast, member_api: ApiClient) -> None:
    export = request_export(cast.project(CHANGING), cast.member, "archive")
    export.move(states.CANCELED, source="person")
    assert set(problem_body(member_api.post(f"/exports/{export.pk}/fetch"), 422)["errors"]) == {"type"}

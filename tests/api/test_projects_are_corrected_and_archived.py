"""A project that was added by mistake is corrected or archived, and an archived one comes back."""

from typing import Any

import pytest

from exports import states
from exports.errors import ArchivedError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import AuditEntry, Export, Project
from exports.settle.outcome import cancel_by_request
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.samples import SAMPLES


def end(export: Export) -> None:
    assert cancel_by_request(export, source="person", actor="member@example.org", note="")


def test_name_and_id_are_changed_and_what_is_left_out_stays(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}"
    assert member_api.call("PATCH", path, {"name": " Bakery "}).json()["name"] == "Bakery"
    changed = member_api.call("PATCH", path, {"remote_id": SAMPLES[TABLES].pages[0].format("4002")})
    assert (changed.status_code, changed.json()["remote_id"], changed.json()["name"]) == (200, "4002", "Bakery")
    assert member_api.call("PATCH", path, {}).json() == changed.json()
    assert [entry.detail for entry in AuditEntry.objects.filter(verb="corrected")] == ["was 4001"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"remote_id": "my-bakery"}, "remote_id"),
        ({"remote_id": ""}, "remote_id"),
        ({"remote_id": None}, "remote_id"),
        ({"name": "n" * 201}, "name"),
        ({"name": "Kept out", "remote_id": "x"}, "remote_id"),
        ({"credential_id": 1}, "credential_id"),
    ],
)
def test_a_wrong_change_is_422_and_changes_nothing(
    member_api: ApiClient, project: Project, body: dict[str, Any], field: str
) -> None:
    before = member_api.get(f"/projects/{project.pk}").json()
    answer = member_api.call("PATCH", f"/projects/{project.pk}", body)
    assert set(problem_body(answer, 422)["errors"]) == {field}
    assert member_api.get(f"/projects/{project.pk}").json() == before


def test_the_id_of_another_project_is_refused(member_api: ApiClient, cast: Cast, project: Project) -> None:
    other = cast.project(TABLES, remote_id="4002")
    answer = member_api.call("PATCH", f"/projects/{project.pk}", {"remote_id": other.remote_id})
    assert set(problem_body(answer, 422)["errors"]) == {"remote_id"}


def test_after_an_export_the_id_stays(member_api: ApiClient, export: Export) -> None:
    end(export)
    answer = member_api.call("PATCH", f"/projects/{export.project_id}", {"remote_id": "4002"})
    assert "has exports, whose history tells of 4001" in problem_body(answer, 409)["detail"]
    assert Project.objects.get().remote_id == "4001"


def test_an_archived_project_is_gone_from_lists_and_its_history_stays(member_api: ApiClient, export: Export) -> None:
    end(export)
    path = f"/projects/{export.project_id}"
    assert member_api.call("DELETE", path).status_code == 204
    assert member_api.get("/projects").json()["projects"] == []
    for method in ("GET", "PATCH", "DELETE"):
        problem_body(member_api.call(method, path), 404)
    problem_body(member_api.post(f"{path}/exports", {"type": "orders"}), 404)
    [listed] = member_api.get(f"/exports?project_id={export.project_id}").json()["exports"]
    assert listed["id"] == export.pk
    assert len(member_api.get(f"/exports/{export.pk}/history").json()["history"]) == 2


def test_while_an_export_is_open_it_is_not_archived_and_the_answer_says_what_to_do(
    member_api: ApiClient, export: Export
) -> None:
    detail = problem_body(member_api.call("DELETE", f"/projects/{export.project_id}"), 409)["detail"]
    assert f"Export {export.pk} is open." in detail
    assert "cancel it; then archive." in detail
    assert member_api.get(f"/projects/{export.project_id}").status_code == 200
    export.refresh_from_db()
    assert export.status == states.WAITING


def test_no_way_leads_to_a_new_export_of_an_archived_project(member_api: ApiClient, cast: Cast, export: Export) -> None:
    end(export)
    member_api.call("DELETE", f"/projects/{export.project_id}")
    for path, body in ((f"/exports/{export.pk}/retry", {}), (f"/exports/{export.pk}/adopt", {"remote_id": "7"})):
        assert "is archived and takes no new exports" in problem_body(member_api.post(path, body), 409)["detail"]
    with pytest.raises(ArchivedError):
        create_export(Project.objects.get(), ExportRequest("orders"), Requester(cast.member.user))
    assert Export.objects.count() == 1


def test_adding_its_id_again_brings_it_back_under_its_number(member_api: ApiClient, export: Export) -> None:
    end(export)
    project = export.project
    member_api.call("DELETE", f"/projects/{project.pk}")
    body = {"credential_id": project.credential_id, "remote_id": "4001"}
    back = member_api.post("/projects", body)
    assert (back.status_code, back.json()["id"], back.json()["name"]) == (201, project.pk, project.name)
    assert member_api.post(f"/projects/{project.pk}/exports", {"type": "orders"}).status_code == 201
    assert set(problem_body(member_api.post("/projects", body), 422)["errors"]) == {"remote_id"}
    assert {entry.verb for entry in AuditEntry.objects.all()} >= {"archived", "brought back"}


def test_only_members_of_the_team_may(api: Any, cast: Cast, project: Project) -> None:
    for method in ("PATCH", "DELETE"):
        problem_body(api(cast.viewer).call(method, f"/projects/{project.pk}", {}), 403)
        problem_body(api(cast.outsider).call(method, f"/projects/{project.pk}", {}), 404)
    request_export(project, cast.member, "orders")

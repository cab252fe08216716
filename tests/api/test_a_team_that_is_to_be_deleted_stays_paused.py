"""While a team is to be deleted, the API neither resumes it nor asks for anything new, and still reads."""

from exports.exporting.team_deletion import request_deletion
from tests.api.conftest import ApiClient
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def test_it_is_not_resumed_and_asks_for_nothing_new(cast: Cast) -> None:
    project = cast.project(TABLES)
    request_deletion(cast.team, cast.owner.user, "The Team")
    api = ApiClient(cast.owner)
    answer = api.call("PATCH", "/team", {"paused": False})
    assert (answer.status_code, answer.json()["detail"]) == (409, "The team The Team is to be deleted. Keep it first.")
    answer = api.post(f"/projects/{project.pk}/exports", {"type": "orders"})
    assert answer.status_code == 409
    assert "is to be deleted" in answer.json()["detail"]
    assert api.get("/exports").status_code == 200

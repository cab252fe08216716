"""GET and PATCH /team: everybody reads the team's settings and figures, owners change them."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.models import AuditEntry, Export, Member, Team
from tests.api.conftest import ApiClient, problem_body
from tests.helpers import factories
from tests.helpers.cast import Cast


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    return ApiClient(owner)


def test_everybody_reads_settings_and_figures(cast: Cast) -> None:
    factories.succeeded_export(cast)
    Team.objects.filter(pk=cast.team.pk).update(quota_bytes=10**12)
    answer = ApiClient(cast.viewer, "read").get("/team")
    assert answer.json() == {
        "id": cast.team.pk,
        "slug": "the-team",
        "name": "The Team",
        "time_zone": "UTC",
        "language": "en",
        "paused": False,
        "paused_at": None,
        "odd_change_percent": 50,
        "expiry_notice_days": 3,
        "members": 3,
        "kept_files": 1,
        "kept_bytes": len(factories.ORDERS_CSV),
        "quota_bytes": 10**12,
    }


def test_an_owner_changes_what_is_sent_and_the_rest_stays(owner_api: ApiClient) -> None:
    changed = owner_api.call("PATCH", "/team", {"name": " Bakers ", "time_zone": "Asia/Kathmandu"})
    assert changed.status_code == 200
    assert {"name": "Bakers", "time_zone": "Asia/Kathmandu", "slug": "the-team"}.items() <= changed.json().items()
    assert owner_api.call("PATCH", "/team", {}).json() == changed.json() == owner_api.get("/team").json()
    assert owner_api.call("PATCH", "/team", {"odd_change_percent": None}).json()["odd_change_percent"] is None
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", "target", "detail")) == [
        ("renamed", "team Bakers", "was The Team"),
        ("changed", "the time zone", "from UTC to Asia/Kathmandu"),
        ("changed", "the odd change", "from 50 to none"),
    ]


def test_a_paused_team_takes_no_new_export_until_it_is_resumed(owner_api: ApiClient, export: Export) -> None:
    paused = owner_api.call("PATCH", "/team", {"paused": True}).json()
    assert paused["paused"] is True
    assert paused["paused_at"].endswith("Z")
    refused = owner_api.post(f"/projects/{export.project_id}/exports", {"type": "orders", "allow_twin": True})
    assert "The team The Team is paused" in problem_body(refused, 409)["detail"]
    assert owner_api.call("PATCH", "/team", {"paused": True}).json() == paused
    resumed = owner_api.call("PATCH", "/team", {"paused": False}).json()
    assert (resumed["paused"], resumed["paused_at"]) == (False, None)
    asked = owner_api.post(f"/projects/{export.project_id}/exports", {"type": "orders", "allow_twin": True})
    assert asked.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"name": None}, "name"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"paused": "yes"}, "paused"),
        ({"paused": None}, "paused"),
        ({"odd_change_percent": 0}, "odd_change_percent"),
        ({"language": "tlh"}, "language"),
        ({"expiry_notice_days": 91}, "expiry_notice_days"),
        ({"expiry_notice_days": None}, "expiry_notice_days"),
        ({"quota_bytes": 1}, "quota_bytes"),
        ({"name": "Kept out", "nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_change_is_422_and_changes_nothing(owner_api: ApiClient, body: dict[str, Any], field: str) -> None:
    before = owner_api.get("/team").json()
    assert set(problem_body(owner_api.call("PATCH", "/team", body), 422)["errors"]) == {field}
    assert owner_api.get("/team").json() == before


def test_members_change_nothing(api: Callable[..., ApiClient], cast: Cast) -> None:
    for member in (cast.member, cast.viewer):
        problem_body(api(member).call("PATCH", "/team", {"name": "Mine"}), 403)
    assert Team.objects.get(pk=cast.team.pk).name == "The Team"

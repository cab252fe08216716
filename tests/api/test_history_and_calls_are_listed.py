"""The history and the calls of an export, oldest first, with exactly the fields of the contract."""

from django.utils import timezone

from exports import states
from exports.models import Call, Change, Export
from tests.api.conftest import ApiClient


def test_the_history_begins_with_the_creation(member_api: ApiClient, export: Export) -> None:
    body = member_api.get(f"/exports/{export.pk}/history").json()
    assert set(body) == {"history"}
    (row,) = body["history"]
    assert row.pop("at").endswith("Z")
    assert row == {
        "from": None,
        "to": "waiting",
        "source": "person",
        "actor": "member@example.org",
        "provider_status": "",
        "note": "",
    }


def test_the_history_is_listed_oldest_first(member_api: ApiClient, export: Export) -> None:
    export.provider_status = "waiting"
    export.move(states.PROCESSING, source="worker", provider_status="waiting", step=states.POLL)
    export.provider_status = "processing"
    Change.append(export, export.status, source="poll")
    member_api.post(f"/exports/{export.pk}/cancel")
    rows = member_api.get(f"/exports/{export.pk}/history").json()["history"]
    assert [(row["from"], row["to"], row["source"]) for row in rows] == [
        (None, "waiting", "person"),
        ("waiting", "processing", "worker"),
        ("processing", "processing", "poll"),
        ("processing", "canceled", "api"),
    ]
    assert rows[2]["provider_status"] == "processing"
    assert rows[-1]["actor"] == "member@example.org"


def test_calls_are_listed_oldest_first(member_api: ApiClient, export: Export) -> None:
    now = timezone.now()
    credential = export.project.credential
    Call.objects.create(
        export=export, credential=credential, at=now, method="POST", url="https://x.org/a", status=201, seconds=0.25
    )
    Call.objects.create(
        export=export, credential=credential, at=now, method="GET", url="https://x.org/b", seconds=9, error="cut off"
    )
    Call.objects.create(credential=credential, at=now, method="GET", url="https://x.org/other", status=200, seconds=1)
    body = member_api.get(f"/exports/{export.pk}/calls").json()
    at = now.isoformat().replace("+00:00", "Z")
    assert body == {
        "calls": [
            {"at": at, "method": "POST", "url": "https://x.org/a", "status": 201, "seconds": 0.25, "error": ""},
            {"at": at, "method": "GET", "url": "https://x.org/b", "status": None, "seconds": 9.0, "error": "cut off"},
        ]
    }


def test_an_export_without_calls_has_none(member_api: ApiClient, export: Export) -> None:
    assert member_api.get(f"/exports/{export.pk}/calls").json() == {"calls": []}

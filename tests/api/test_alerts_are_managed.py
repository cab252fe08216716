"""Alerts are made, changed, tested and deleted by owners; their addresses, which are secrets, never come back."""

from typing import Any

import pytest

from exports.models import Alert, AuditEntry, Member, OutboxMessage
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast

SLACK = "https://hooks.slack.com/services/T0000/B1111/abcdefghijklmnop"


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    return ApiClient(owner)


def new(**more: Any) -> dict[str, Any]:
    """What a POST sends."""
    return {"kind": "slack", "address": SLACK, "events": ["export.failed"], **more}


def test_an_owner_adds_one_and_its_address_is_masked_everywhere(owner_api: ApiClient) -> None:
    answer = owner_api.post("/alerts", new(events=["project.overdue", "export.failed"], digest="daily"))
    assert answer.status_code == 201
    made = answer.json()
    assert made["address"] == "https://hooks.slack.com/…"
    assert made["events"] == ["export.failed", "project.overdue"]
    assert (made["digest"], made["enabled"], made["disabled_reason"]) == ("daily", True, "")
    assert owner_api.get(f"/alerts/{made['id']}").json() == made
    assert owner_api.get("/alerts").json() == {"alerts": [made], "meta": {"limit": 20, "next": None}}

    row = Alert.objects.get()
    assert row.address() == SLACK
    assert "abcdefgh" not in row.encrypted_address
    assert "abcdefgh" not in repr(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("kind", "address", "sentence"),
    [
        ("mail", "nonsense", "“nonsense” is not an e-mail address."),
        ("mail", "outsider@example.org", "outsider@example.org isn't a member of this team. Invite them first."),
        ("slack", "http://hooks.slack.com/services/1", "Plain http to hooks.slack.com is refused."),
        ("slack", "https://127.0.0.1/hook", "127.0.0.1 is not a public address."),
        ("slack", "https://app.slack.com/client/T1/C1", "That's a page of Slack."),
        ("slack", "https://hooks.slack.com", "Enter the whole address of the webhook, not only its host."),
        ("discord", "https://discord.com/channels/1/2", "That's a page of Discord."),
        ("discord", "https://discord.com/api/webhooks/1/x/slack", "Leave out the last part"),
        ("teams", "https://acme.webhook.office.com/webhookb2/1", "Microsoft has retired connectors."),
        ("ntfy", "https://ntfy.sh/", "Enter the server and the topic, like https://ntfy.sh/your-topic."),
        ("ntfy", "https://user:pass@ntfy.sh/topic", "An address with a user name in it is not opened."),
        ("slack", " ", "Enter an address."),
    ],
)
def test_an_address_that_cannot_work_is_refused_with_a_sentence(
    owner_api: ApiClient, kind: str, address: str, sentence: str
) -> None:
    [said] = problem_body(owner_api.post("/alerts", new(kind=kind, address=address)), 422)["errors"]["address"]
    assert said.startswith(sentence)
    assert not Alert.objects.exists()


def test_a_member_whose_address_is_not_confirmed_gets_no_mail(owner_api: ApiClient, cast: Cast) -> None:
    cast.member.user.email_confirmed = False
    cast.member.user.save()
    body = problem_body(owner_api.post("/alerts", new(kind="mail", address="member@example.org")), 422)
    assert body["errors"]["address"] == ["member@example.org hasn't been confirmed yet, so no mail goes there."]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"kind", "address", "events"}),
        (new(kind="fax"), {"kind"}),
        (new(events=[]), {"events"}),
        (new(events=["export.failed", "export.exploded"]), {"events"}),
        (new(events="export.failed"), {"events"}),
        (new(digest="hourly"), {"digest"}),
        (new(adress="x"), {"adress"}),
        (new(address=None), {"address"}),
    ],
)
def test_what_is_wrong_is_named_by_field(owner_api: ApiClient, body: dict[str, Any], fields: set[str]) -> None:
    assert set(problem_body(owner_api.post("/alerts", body), 422)["errors"]) == fields


def test_what_is_absent_in_a_change_stays(owner_api: ApiClient) -> None:
    made = owner_api.post("/alerts", new()).json()
    path = f"/alerts/{made['id']}"
    assert owner_api.call("PATCH", path, {}).json() == made
    assert owner_api.call("PATCH", path, {"enabled": False}).json() == {**made, "enabled": False}
    assert owner_api.call("PATCH", path, {"digest": "daily"}).json()["digest"] == "daily"
    changed = owner_api.call(
        "PATCH", path, {"address": "https://chat.example/hooks/1", "events": ["team.quota"]}
    ).json()
    assert (changed["address"], changed["events"]) == ("https://chat.example/…", ["team.quota"])
    assert (changed["enabled"], changed["digest"]) == (False, "daily")
    assert problem_body(owner_api.call("PATCH", path, {"kind": "ntfy"}), 422)["errors"].keys() == {"address"}
    problem_body(owner_api.call("PATCH", path, {"events": []}), 422)
    assert Alert.objects.get().address() == "https://chat.example/hooks/1"


def test_one_that_was_turned_off_by_itself_starts_afresh(owner_api: ApiClient) -> None:
    made = owner_api.post("/alerts", new()).json()
    Alert.objects.update(enabled=False, disabled_reason="It answered 410.", failing_since="2026-01-01T00:00:00Z")
    changed = owner_api.call("PATCH", f"/alerts/{made['id']}", {"enabled": True}).json()
    assert (changed["enabled"], changed["disabled_reason"]) == (True, "")
    assert Alert.objects.get().failing_since is None


def test_a_test_is_queued_once(owner_api: ApiClient) -> None:
    made = owner_api.post("/alerts", new()).json()
    answer = owner_api.post(f"/alerts/{made['id']}/test")
    assert answer.status_code == 202
    message = OutboxMessage.objects.get()
    assert (message.alert_id, message.event, message.host) == (made["id"], None, "hooks.slack.com")
    problem_body(owner_api.post(f"/alerts/{made['id']}/test"), 409)


def test_a_deleted_one_is_gone(owner_api: ApiClient) -> None:
    made = owner_api.post("/alerts", new()).json()
    assert owner_api.call("DELETE", f"/alerts/{made['id']}").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        problem_body(owner_api.call(method, f"/alerts/{made['id']}"), 404)
    verbs = [entry.verb for entry in AuditEntry.objects.order_by("pk") if entry.target.startswith("alert")]
    assert verbs == ["added", "deleted"]


def test_a_list_takes_the_same_queries_however_long_it_is(
    owner_api: ApiClient, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        owner_api.post("/alerts", new(address=f"https://chat.example/hooks/{number}"))
    with django_assert_max_num_queries(6):
        assert len(owner_api.get("/alerts").json()["alerts"]) == 12


def test_a_team_has_a_bounded_number(owner_api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.notify.alert_rules.MAX_ALERTS", 1)
    owner_api.post("/alerts", new())
    problem_body(owner_api.post("/alerts", new()), 409)

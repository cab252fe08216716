"""Webhooks are added, changed, tested and deleted through the API; their deliveries are listed and sent again."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exports.models import AuditEntry, Member, OutboxMessage, Webhook
from tests.api.conftest import ApiClient, problem_body
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.stub_server import Reply, StubServer
from tests.helpers.webhooks import ROUTE, make_deliveries_due, make_webhook, message_ids, run_receiver, verify

URL = "https://hooks.example.org/exports?token=not-for-everybody"


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    return ApiClient(owner)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[StubServer]:
    with run_receiver(settings) as stub:
        yield stub


def create(api: ApiClient, **more: Any) -> dict[str, Any]:
    answer = api.post("/webhooks", {"url": URL, "events": ["export.failed"], **more})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_the_secret_is_shown_once(owner_api: ApiClient) -> None:
    made = create(owner_api)
    assert made.pop("secret").startswith("whsec_")
    assert (made["url"], made["events"], made["enabled"]) == (URL, ["export.failed"], True)
    assert owner_api.get(f"/webhooks/{made['id']}").json() == made
    assert owner_api.get("/webhooks").json() == {"webhooks": [made], "meta": {"limit": 20, "next": None}}
    assert "whsec_" not in Webhook.objects.get().encrypted_secret


def test_others_than_owners_see_the_host_alone(owner_api: ApiClient, member: Member, viewer: Member) -> None:
    made = create(owner_api)
    for person in (member, viewer):
        shown = ApiClient(person).get(f"/webhooks/{made['id']}").json()
        assert shown["url"] == "https://hooks.example.org/…"
        problem_body(ApiClient(person).post("/webhooks", {"url": URL, "events": ["export.failed"]}), 403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://example.org/", "events": ["export.failed"]}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["export.exploded"]}, "events"),
        ({"url": URL}, "events"),
        ({"events": ["export.failed"]}, "url"),
        ({"url": 7, "events": ["export.failed"]}, "url"),
        ({"url": URL, "events": ["export.failed"], "secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_cannot_be_used_is_named(owner_api: ApiClient, body: dict[str, Any], field: str) -> None:
    assert set(problem_body(owner_api.post("/webhooks", body), 422)["errors"]) == {field}
    assert not Webhook.objects.exists()


def test_it_is_changed_rotated_and_deleted(owner_api: ApiClient) -> None:
    made = create(owner_api)
    at = f"/webhooks/{made['id']}"
    changed = owner_api.call("PATCH", at, {"events": ["team.quota", "export.succeeded"], "enabled": False}).json()
    assert (changed["events"], changed["enabled"]) == (["export.succeeded", "team.quota"], False)
    assert changed["url"] == URL
    problem_body(owner_api.call("PATCH", at, {"urls": URL}), 422)
    problem_body(owner_api.call("PATCH", at, {"url": "nowhere"}), 422)

    rotated = owner_api.post(f"{at}/rotate").json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"] is not None

    assert owner_api.call("DELETE", at).status_code == 204
    problem_body(owner_api.get(at), 404)
    verbs = list(AuditEntry.objects.filter(target__startswith="webhook").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["added", "changed", "replaced secrets", "deleted"]
    assert not AuditEntry.objects.filter(target__contains="not-for-everybody").exists()


def test_a_team_has_a_bounded_number(owner_api: ApiClient, cast: Cast) -> None:
    for number in range(20):
        make_webhook(cast, f"https://example.org/{number}")
    problem_body(owner_api.post("/webhooks", {"url": URL, "events": ["export.failed"]}), 409)


def test_a_test_arrives_also_where_it_is_turned_off(owner_api: ApiClient, receiver: StubServer) -> None:
    made = create(owner_api, url=f"{receiver.origin}/events", enabled=False)
    answer = owner_api.post(f"/webhooks/{made['id']}/test")
    assert (answer.status_code, answer.json()["event"], answer.json()["state"]) == (202, "webhook.test", "waiting")
    problem_body(owner_api.post(f"/webhooks/{made['id']}/test"), 409)
    assert deliver_due() == 1
    [request] = receiver.requests_to(ROUTE)
    body = verify(made["secret"], request)
    assert (body["type"], body["data"]["webhook"]) == ("webhook.test", {"id": made["id"]})
    [delivery] = owner_api.get(f"/webhooks/{made['id']}/deliveries").json()["deliveries"]
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("sent", 204, 1)


def test_a_delivery_is_read_and_sent_again_with_the_same_id(
    owner_api: ApiClient, cast: Cast, receiver: StubServer
) -> None:
    made = create(owner_api, url=f"{receiver.origin}/events")
    receiver.on(ROUTE, Reply(500, "no"), Reply(204))
    factories.failed_export(cast)
    deliver_due()
    at = f"/webhooks/{made['id']}/deliveries"
    [waiting] = owner_api.get(at).json()["deliveries"]
    assert (waiting["event"], waiting["state"], waiting["status"]) == ("export.failed", "waiting", 500)
    assert waiting["error"] == "The address answered 500."
    assert waiting["next_at"] is not None

    for _ in range(2):
        answer = owner_api.post(f"/deliveries/{waiting['id']}/redeliver")
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        assert deliver_due() == 1
    [sent] = owner_api.get(at).json()["deliveries"]
    assert (sent["state"], sent["attempts"], sent["error"], sent["next_at"]) == ("sent", 3, None, None)
    assert set(message_ids(receiver)) == {sent["message_id"]}
    assert len({request.body for request in receiver.requests}) == 1


def test_what_is_given_up_is_sent_again_once_it_is_turned_on(
    owner_api: ApiClient, cast: Cast, receiver: StubServer
) -> None:
    made = create(owner_api, url=f"{receiver.origin}/events")
    receiver.on(ROUTE, Reply(410), Reply(204))
    factories.failed_export(cast)
    deliver_due()
    message = OutboxMessage.objects.get(kind="webhook")
    problem_body(owner_api.post(f"/deliveries/{message.pk}/redeliver"), 409)
    owner_api.call("PATCH", f"/webhooks/{made['id']}", {"enabled": True})
    assert owner_api.post(f"/deliveries/{message.pk}/redeliver").status_code == 202
    assert deliver_due() == 1


def test_other_messages_are_no_deliveries(owner_api: ApiClient, cast: Cast) -> None:
    factories.failed_export(cast)
    deliver_due()
    make_deliveries_due()
    mail = OutboxMessage.objects.get(kind="mail")
    problem_body(owner_api.post(f"/deliveries/{mail.pk}/redeliver"), 404)


def test_deliveries_are_listed_newest_first_page_by_page(
    owner_api: ApiClient, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    made = create(owner_api)
    for _ in range(5):
        factories.failed_export(cast)
    deliver_due()
    at = f"/webhooks/{made['id']}/deliveries"
    with django_assert_max_num_queries(4):
        first = owner_api.get(f"{at}?limit=3").json()
    rest = owner_api.get(at + first["meta"]["next"]).json()
    ids = [row["id"] for row in first["deliveries"] + rest["deliveries"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    assert rest["meta"]["next"] is None

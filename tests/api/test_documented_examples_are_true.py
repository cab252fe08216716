"""The examples on the API's page are what the API answers; `make api-examples` writes them anew."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from exports.api import examples
from exports.http import throttling
from exports.models import Export, File, Member, OutboxMessage, Project
from exports.models.token import READ
from exports.storage import files
from tests.api.conftest import ApiClient
from tests.api.recorded_examples import Recorder, misfits, shape
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import run_to_end

SLACK = "https://hooks.slack.com/services/T0000/B1111/abcdefghijklmnop"
# Comes only where files lie in a bucket (test_files_in_a_bucket_are_served_by_signed_links.py).
NOT_RECORDED = {("export_file", "302")}
HOOK = "https://hooks.example.org/exports"


def credentials_and_projects(record: Recorder, owner: ApiClient, origin: str) -> tuple[int, int]:
    """Returns the ids of a credential and a project."""
    record.call(owner, "GET", "/me")
    record.call(owner, "GET", "/providers")
    new = {"provider": TABLES, "name": "Shop", "secrets": {"api_key": "sandbox-key"}, "origin": origin}
    credential = record.call(owner, "POST", "/credentials", new, 201)["id"]
    record.call(owner, "POST", f"/credentials/{credential}/check", {})
    record.call(owner, "GET", f"/credentials/{credential}")
    record.call(owner, "PATCH", f"/credentials/{credential}", {"name": "Our shop"})
    record.call(owner, "GET", "/credentials?limit=1")
    record.call(owner, "GET", f"/credentials/{credential}/remote-projects")
    project = record.call(owner, "POST", "/projects", {"credential_id": credential, "remote_id": "4001"}, 201)["id"]
    record.call(owner, "PATCH", f"/projects/{project}", {"name": "Bakery campaign", "fresh_within_hours": 24})
    record.call(owner, "GET", f"/projects/{project}")
    record.call(owner, "GET", "/projects?limit=1")
    return credential, project


def exports_and_files(record: Recorder, owner: ApiClient, project: int) -> None:
    asked = {"type": "orders", "format": "csv"}
    at = f"/projects/{project}/exports"
    first = record.call(owner, "POST", at, asked, 201, Idempotency_Key="nightly-2026-03-02")["id"]
    record.call(owner, "POST", at, asked, 409)
    lose_an_order(run_to_end(Export.objects.get(pk=first)))
    second = record.call(owner, "POST", f"/exports/{first}/retry", {}, 201)["id"]
    run_to_end(Export.objects.get(pk=second))
    for tail in ("", "/history", "/calls", "/compare"):
        record.call(owner, "GET", f"/exports/{second}{tail}")
    record.call(owner, "GET", "/exports?status=succeeded&limit=1")
    record.call(owner, "GET", f"{at}?limit=1")
    file = f"/exports/{second}/file"
    record.call(owner, "GET", file)
    record.call(owner, "GET", file, status=206, Range="bytes=0-99")
    etag = owner.call("HEAD", file).headers["ETag"]
    record.call(owner, "GET", file, status=304, If_None_Match=etag)
    record.call(owner, "GET", file, status=412, If_Match='"another"')
    record.call(owner, "GET", file, status=416, Range="bytes=99999999-")
    record.call(owner, "GET", "/retention/preview?keep_last=1")
    record.call(owner, "POST", f"/exports/{second}/pin", {})
    record.call(owner, "POST", f"/exports/{second}/unpin", {})
    canceled = record.call(owner, "POST", f"/exports/{second}/fetch", {}, 201)["id"]
    record.call(owner, "POST", f"/exports/{canceled}/cancel", {})
    adopted = record.call(owner, "POST", f"/exports/{canceled}/adopt", {"remote_id": "4711"}, 201)["id"]
    owner.post(f"/exports/{adopted}/cancel", {})
    record.call(owner, "DELETE", file, status=204)
    record.call(owner, "GET", file, status=410)


def lose_an_order(export: Export) -> None:
    """Makes the kept file another one, so that the next one has something that changed."""
    assert export.file is not None
    path = files.path_of(export.file)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"1", b"2"), *lines[4:-2]]))
    File.objects.filter(pk=export.file.pk).update(sha256="0" * 64)


def schedules_and_rules(record: Recorder, owner: ApiClient, credential: int, project: int) -> None:
    new = {"type": "orders", "format": "csv", "cron": "0 2 * * *", "time_zone": "Europe/Paris"}
    schedule = record.call(owner, "POST", f"/projects/{project}/schedules", new, 201)["id"]
    record.call(owner, "GET", f"/schedules/{schedule}")
    record.call(owner, "PATCH", f"/schedules/{schedule}", {"cron": "30 2 * * 1-5"})
    record.call(owner, "GET", "/schedules?limit=1")
    record.call(owner, "GET", f"/projects/{project}/schedules?limit=1")
    run = record.call(owner, "POST", f"/schedules/{schedule}/run", {}, 201)["id"]
    owner.post(f"/exports/{run}/cancel", {})
    record.call(owner, "DELETE", f"/schedules/{schedule}", status=204)
    record.call(owner, "PUT", "/retention", {"keep_last": 10, "keep_days": 90})
    record.call(owner, "GET", "/retention")
    record.call(owner, "PUT", f"/projects/{project}/retention", {"keep_last": 30})
    record.call(owner, "GET", f"/projects/{project}/retention")
    record.call(owner, "POST", f"/credentials/{credential}/discover", {}, 202)
    record.call(owner, "GET", "/coverage?limit=1")
    record.call(owner, "GET", "/team")
    record.call(owner, "PATCH", "/team", {"time_zone": "Europe/Paris"})


def alerts_and_webhooks(record: Recorder, owner: ApiClient, cast: Cast) -> None:
    alert = record.call(owner, "POST", "/alerts", {"kind": "slack", "address": SLACK, "events": ["export.failed"]}, 201)
    at = f"/alerts/{alert['id']}"
    record.call(owner, "GET", at)
    record.call(owner, "PATCH", at, {"digest": "daily"})
    record.call(owner, "GET", "/alerts?limit=1")
    record.call(owner, "POST", f"{at}/test", {}, 202)
    record.call(owner, "DELETE", at, status=204)
    hook = record.call(owner, "POST", "/webhooks", {"url": HOOK, "events": ["export.succeeded"]}, 201)["id"]
    at = f"/webhooks/{hook}"
    record.call(owner, "GET", at)
    record.call(owner, "PATCH", at, {"events": ["export.succeeded", "export.failed"]})
    record.call(owner, "GET", "/webhooks?limit=1")
    record.call(owner, "POST", f"{at}/test", {}, 202)
    message = OutboxMessage.objects.filter(kind="webhook").latest("pk")
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=1, answer_status=500, last_error="It answered 500.")
    record.call(owner, "GET", f"{at}/deliveries?limit=1")
    record.call(owner, "POST", f"/deliveries/{message.pk}/redeliver", {}, 202)
    record.call(owner, "POST", f"{at}/rotate", {})
    record.call(owner, "DELETE", at, status=204)


def errors(record: Recorder, owner: ApiClient, cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    record.call(ApiClient(None), "GET", "/me", status=401)
    record.call(ApiClient(cast.owner, READ), "POST", f"/projects/{project.pk}/exports", {"type": "orders"}, 403)
    record.call(owner, "GET", "/exports/999999", status=404)
    unknown = {"type": "orders", "format": "pdf"}
    record.call(owner, "POST", f"/projects/{project.pk}/exports", unknown, 422)
    record.call(owner, "POST", f"/projects/{project.pk}/exports", b" " * 1_000_001, 413)
    record.call(ApiClient(cast.owner), "POST", "/projects", b"", 411, Transfer_Encoding="chunked")
    with monkeypatch.context() as patch:
        patch.setattr(throttling.TOKEN_READS, "acquire", lambda *_args: 3.0)
        record.call(ApiClient(cast.owner), "GET", "/me", status=429)
    with monkeypatch.context() as patch:
        patch.setattr("exports.api.me.serializers.user", away)
        record.call(owner, "GET", "/me", status=503)


def away(*_args: Any) -> None:
    raise OperationalError("database is locked")


@pytest.fixture
def record(cast: Cast, owner: Member, origin_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Recorder:
    record, client = Recorder(), ApiClient(owner)
    credential, project = credentials_and_projects(record, client, origin_of(TABLES))
    exports_and_files(record, client, project)
    schedules_and_rules(record, client, credential, project)
    alerts_and_webhooks(record, client, cast)
    errors(record, client, cast, Project.objects.get(pk=project), monkeypatch)
    record.call(client, "DELETE", f"/projects/{project}", status=204)
    spare = {"provider": TABLES, "name": "Spare", "secrets": {"api_key": "wrong"}, "origin": origin_of(TABLES)}
    at = f"/credentials/{client.post('/credentials', spare).json()['id']}"
    record.call(client, "GET", f"{at}/remote-projects", status=502)
    record.call(client, "DELETE", at, status=204)
    return record


@pytest.mark.slow(seconds=6)
def test_every_answer_has_an_example_of_its_shape(record: Recorder) -> None:
    """One run of about ninety calls: the world that they need is the expensive part."""
    if os.environ.get("RECORD_API_EXAMPLES"):
        examples.EXAMPLES_FILE.write_text(record.as_json(), encoding="utf-8")
        examples.load_examples.cache_clear()
    known, now = examples.load_examples(), json.loads(record.as_json())
    assert shape(known) == shape(now), "make api-examples writes the examples anew"
    bad: list[str] = []
    for methods in record.document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert status in known["errors"], f"{status} has no example"
                    continue
                if (name, status) in NOT_RECORDED:
                    continue
                answer = known["calls"][name]["answers"][status]
                content = list(response.get("content", {}).values())
                if "body" in answer:
                    bad += misfits(answer["body"], content[0]["schema"], record.document, f"{name} {status}")
    problem = record.document["components"]["schemas"]["Problem"]
    for status, error in known["errors"].items():
        bad += misfits(error["answer"]["body"], problem, record.document, status)
    assert not bad, "\n".join(bad)


def test_a_value_that_does_not_fit_is_found() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    assert misfits({"a": 1}, schema, {}) == []
    assert misfits({"a": "1", "b": 2}, schema, {}) == [".b is not described", ".a: '1' is no integer"]
    assert misfits({}, schema, {}) == [".a is missing"]


def test_no_secret_is_in_the_examples() -> None:
    text = examples.EXAMPLES_FILE.read_text(encoding="utf-8")
    assert "abcdefghijklmnop" not in text.replace(SLACK, "")
    assert "testserver" not in text
    assert "127.0.0.1" not in text

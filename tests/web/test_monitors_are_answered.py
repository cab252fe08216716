"""/healthz, /readyz and /metrics: who may read what, and what they say."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from exports.metrics import exposition, health
from exports.metrics.health import CheckResult
from exports.web.views import probes

FORWARDED = {"Forwarded": "for=1.2.3.4", "X-Forwarded-For": "1.2.3.4", "X-Real-Ip": "1.2.3.4", "Via": "1.1 proxy"}
GOOD = [CheckResult(name, True, "fine at /srv/portal") for checks in health.READY for name in checks]


def results_with(name: str) -> list[CheckResult]:
    return [CheckResult(name, False, "broken at /srv/portal") if one.name == name else one for one in GOOD]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[CheckResult]:
    """What the checks come to; each by itself is shown with real parts in tests/services."""
    results = list(GOOD)
    monkeypatch.setattr(health, "run_checks", lambda groups: list(results))
    monkeypatch.setattr(probes, "_last", None)
    monkeypatch.setattr(probes, "READY_SECONDS", -1.0)
    return results


@pytest.fixture(autouse=True)
def _scraped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "collect", lambda: b"portal_files 0\n")


def test_healthz_answers_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


def test_readyz_has_each_check_with_its_detail(client: Client, checked: list[CheckResult]) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    assert body["ready"] is True
    names = {"database", "migrations", "keys", "storage", "broker", "worker", "beat"}
    assert body["checks"] == {name: {"ok": True, "detail": "fine at /srv/portal"} for name in names}


@pytest.mark.parametrize("name", ["database", "migrations", "keys", "storage"])
def test_what_pages_need_makes_a_process_unready(client: Client, checked: list[CheckResult], name: str) -> None:
    checked[:] = results_with(name)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["checks"][name] == {"ok": False, "detail": "broken at /srv/portal"}


@pytest.mark.parametrize("name", ["broker", "worker", "beat"])
def test_what_only_work_needs_is_said_and_drains_no_process(
    client: Client, checked: list[CheckResult], name: str
) -> None:
    checked[:] = results_with(name)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["checks"][name]["ok"] is False


@pytest.mark.parametrize("headers", [{name: value} for name, value in FORWARDED.items()], ids=list(FORWARDED))
def test_a_caller_from_outside_learns_no_names_from_readyz(
    client: Client, checked: list[CheckResult], headers: dict[str, str]
) -> None:
    checked[:] = results_with("storage")
    answer = client.get("/readyz", headers=headers)
    assert answer.status_code == 503
    assert "/srv" not in answer.content.decode()
    assert answer.json()["checks"]["storage"]["ok"] is False


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_metrics_are_for_callers_on_this_machine(client: Client, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert (answer.status_code, answer.content) == (200, b"portal_files 0\n")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("address", ["10.0.0.5", "203.0.113.9", "2001:db8::1", "", "nonsense"])
def test_metrics_are_for_nobody_else_without_a_token(client: Client, address: str) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 403


@pytest.mark.parametrize("headers", [{name: value} for name, value in FORWARDED.items()], ids=list(FORWARDED))
def test_what_a_proxy_on_this_machine_hands_on_is_from_outside(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/metrics", headers=headers).status_code == 403


def test_a_token_opens_the_metrics_from_anywhere(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a token of the operator"
    outside = "203.0.113.9"
    good = {"Authorization": "Bearer a token of the operator"}
    assert client.get("/metrics", headers=good, REMOTE_ADDR=outside).status_code == 200
    assert client.get("/metrics", headers={**good, **FORWARDED}, REMOTE_ADDR=outside).status_code == 200
    refused = client.get("/metrics", headers={"Authorization": "Bearer another"}, REMOTE_ADDR=outside)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/metrics", REMOTE_ADDR=outside).status_code == 401
    assert client.get("/metrics").status_code == 200, "callers on this machine need none"


def test_metrics_without_a_database_are_a_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "collect", lambda: None)
    assert client.get("/metrics").status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_hosts_schemes_and_methods(client: Client, checked: list[CheckResult], settings: Settings, path: str) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["portal.example.org"], True
    assert client.get(path, headers={"Host": "10.0.0.5:8000"}).status_code == 200
    assert client.get("/sign-in/", headers={"Host": "10.0.0.5:8000"}).status_code == 400
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
    assert client.get(path)["X-Request-ID"]
    assert reverse(f"web:{path[1:]}") == path

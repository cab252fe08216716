"""With LOG_FORMAT=json each line of the log is one object, which says what it is about and holds no secret."""

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from exports import log_ids
from exports.models import Token
from exports.supervisor.output import PrefixedLog
from portal import environment
from portal.logs import JsonFormatter, SecretUrlFilter
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

log = logging.getLogger("exports.tests")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the portal's log writes meanwhile, as with LOG_FORMAT=json."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(SecretUrlFilter())
    handler.addFilter(log_ids.IdsFilter())
    logging.getLogger().addHandler(handler)
    log_ids.begin()
    yield text
    logging.getLogger().removeHandler(handler)


def lines(text: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_a_line_names_what_it_is_about(written: io.StringIO) -> None:
    with log_ids.bound(task="t-1"), log_ids.bound(export=12, credential=3):
        log.warning("Two\nlines of %s", "text")
    log.warning("after it")
    first, second = lines(written)
    assert {**first, "time": ""} == {
        **{"time": "", "level": "WARNING", "logger": "exports.tests", "message": "Two\nlines of text"},
        **{"task": "t-1", "export": 12, "credential": 3},
    }
    assert str(first["time"]).endswith("+00:00")
    assert set(second) == {"time", "level", "logger", "message"}


def test_a_traceback_is_part_of_the_object(written: io.StringIO) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("It failed.")
    [line] = lines(written)
    assert str(line["traceback"]).endswith("ValueError: odd")


def test_ids_are_of_one_thread(written: io.StringIO) -> None:
    with log_ids.bound(export=12):
        thread = threading.Thread(target=lambda: log.warning("elsewhere"))
        thread.start()
        thread.join()
    [line] = lines(written)
    assert "export" not in line


@pytest.mark.django_db
def test_a_failed_request_is_logged_with_its_id_and_without_its_secret_address(written: io.StringIO) -> None:
    answer = Client().get("/invitations/the-secret-part/more/", headers={"X-Request-ID": "from-the-proxy"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy"
    [line] = [line for line in lines(written) if line["logger"] == "django.request"]
    assert line["request"] == "from-the-proxy"
    assert "the-secret-part" not in written.getvalue()


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space 12345", "line\u2028end-of-it"])
@pytest.mark.django_db
def test_an_odd_id_is_not_taken_over(given: str) -> None:
    answer = Client().get("/healthz", headers={"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_the_request_for_an_export_is_found_by_either_id(written: io.StringIO, cast: Cast) -> None:
    caller = Client(headers={"Authorization": f"Bearer {Token.issue(cast.member)}", "X-Request-ID": "from-the-proxy"})
    path = f"/api/v1/projects/{cast.project(TABLES).pk}/exports"
    answer = caller.post(path, {"type": "orders"}, content_type="application/json")
    assert answer.status_code == 201
    assert {"request": "from-the-proxy", "export": answer.json()["id"]} in [
        {name: line.get(name) for name in ("request", "export")} for line in lines(written)
    ]


def test_what_up_prints_is_json_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "JSON")
    text = io.StringIO()
    out = PrefixedLog(text)
    out.write("worker", '{"level": "INFO", "message": "its own"}')
    out.write("web", "[2026] [INFO] Listening")
    out.write("", "ready")
    assert [line.get("logger") for line in lines(text)] == [None, "up.web", "up"]


def test_other_values_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match=r"^LOG_FORMAT cannot be read: give one of plain, json\.$"):
        environment.get_choice("LOG_FORMAT", ("plain", "json"))

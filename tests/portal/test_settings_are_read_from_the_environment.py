"""The settings are read from environment variables; a mistake in one of them is reported in one sentence."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.utils.url import parse_url

from tests.helpers.processes import ROOT, environment

Load = Callable[..., dict[str, Any]]
SERVICES = {"DATABASE_URL": "postgres://me@db.example.org/portal", "CELERY_BROKER_URL": "redis://broker.example.org"}
KEYS = {"SECRET_KEY": "x" * 30 + "0123456789" * 3, "CREDENTIAL_KEYS": "new, old"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Reads the settings afresh in an environment of nothing but the given variables."""

    def load(**variables: str) -> dict[str, Any]:
        for name in list(os.environ):
            if name not in {"PATH", "HOME"}:
                monkeypatch.delenv(name)
        for name, value in {"DATA_DIR": str(tmp_path / "data"), **variables}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "portal" / "settings.py"))

    return load


def test_without_any_variable_everything_is_in_the_data_directory(load: Load, tmp_path: Path) -> None:
    found = load()
    data = tmp_path / "data"
    assert found["DATA_DIR"] == data
    assert data.stat().st_mode & 0o777 == 0o700
    assert found["DATABASES"]["default"]["NAME"] == str(data / "portal.sqlite3")
    assert found["CELERY_BROKER_URL"].startswith("spool:")
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["folder"] == str(data / "broker")
    assert found["EMAIL_FILE_PATH"] == str(data / "mail")
    assert found["CREDENTIAL_KEYS"] == ()
    assert found["CREDENTIAL_KEYS_FILE"] == data / "credential_keys"
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["PRIVATE_HOSTS"] == ()
    assert load()["SECRET_KEY"] == found["SECRET_KEY"]


def test_an_empty_variable_counts_as_unset(load: Load) -> None:
    names = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "PUBLIC_URL", "EMAIL_URL")
    found = load(**dict.fromkeys((*names, "DEBUG", "ALLOWED_HOSTS", "PRIVATE_HOSTS", "WORKER_CONCURRENCY"), ""))
    assert found["SECRET_KEY"]
    assert found["WORKER_CONCURRENCY"] == 8
    assert found["DATABASES"]["default"]["ENGINE"].endswith("sqlite3")


def test_the_embedded_worker_is_one_process_of_eight_threads(load: Load) -> None:
    found = load()
    assert (found["WORKER_POOL"], found["WORKER_CONCURRENCY"]) == ("threads", 8)
    found = load(DATABASE_URL="postgres://me@db.example.org/portal")  # the broker is still embedded
    assert (found["WORKER_POOL"], found["WORKER_CONCURRENCY"]) == ("threads", 8)


@pytest.mark.parametrize(("processors", "slots"), [(None, 8), (1, 8), (2, 8), (8, 16)])
def test_beside_real_services_the_worker_has_two_processes_per_processor_and_at_least_eight(
    load: Load, monkeypatch: pytest.MonkeyPatch, processors: int | None, slots: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    found = load(**SERVICES)
    assert (found["WORKER_POOL"], found["WORKER_CONCURRENCY"]) == ("prefork", slots)


def test_the_size_of_the_worker_can_be_set(load: Load) -> None:
    assert load(WORKER_CONCURRENCY="3")["WORKER_CONCURRENCY"] == 3
    assert load(**SERVICES, WORKER_CONCURRENCY="3")["WORKER_CONCURRENCY"] == 3


def test_options_of_the_broker_are_added_to_its_transport_options(load: Load) -> None:
    url = "sentinel://one.example.org:26379"
    options = load(CELERY_BROKER_URL=url, CELERY_BROKER_OPTIONS='{"master_name": "mymaster", "socket_timeout": 9}')
    assert options["CELERY_BROKER_TRANSPORT_OPTIONS"]["master_name"] == "mymaster"
    assert options["CELERY_BROKER_TRANSPORT_OPTIONS"]["socket_timeout"] == 9
    assert options["CELERY_BROKER_TRANSPORT_OPTIONS"]["socket_connect_timeout"] == 2


def test_encryption_keys_are_read_from_their_file_when_the_environment_has_none(load: Load) -> None:
    folder: Path = load()["DATA_DIR"]
    (folder / "credential_keys").write_text("kept\n")
    assert load()["CREDENTIAL_KEYS"] == ("kept",)
    found = load(CREDENTIAL_KEYS="new, old")
    assert found["CREDENTIAL_KEYS"] == ("new", "old")
    assert found["CREDENTIAL_KEYS_FILE"] is None


def test_postgresql_keeps_its_connections_and_checks_them(load: Load) -> None:
    database = load(DATABASE_URL="postgres://me:p%40ss@db.example.org:5433/portal")["DATABASES"]["default"]
    assert database["ENGINE"] == "portal.postgresql"
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("me", "p@ss", "portal")
    assert database["CONN_MAX_AGE"] == 60
    assert database["CONN_HEALTH_CHECKS"] is True


def test_sqlite_waits_for_other_writers_and_forgets_no_commit(load: Load) -> None:
    options = load()["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


def test_https_makes_a_production_portal(load: Load) -> None:
    found = load(PUBLIC_URL="https://portal.example.org/", **KEYS)
    assert found["PUBLIC_URL"] == "https://portal.example.org"
    assert "portal.example.org" in found["ALLOWED_HOSTS"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://portal.example.org"]
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert found["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is True
    assert found["SECURE_HSTS_SECONDS"] > 0
    # No header is believed about whether a request came over https, unless the operator names one.
    assert "SECURE_PROXY_SSL_HEADER" not in found
    assert found["SECURE_SSL_REDIRECT"] is False


def test_a_proxys_header_is_read_only_where_it_is_named(load: Load) -> None:
    found = load(PUBLIC_URL="https://portal.example.org", PROXY_SSL_HEADER="X-Forwarded-Proto", **KEYS)
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert found["SECURE_SSL_REDIRECT"] is True
    assert "security.W008" not in found["SILENCED_SYSTEM_CHECKS"]


def test_lists_are_split_at_commas(load: Load) -> None:
    found = load(PRIVATE_HOSTS="127.0.0.1:8100, Files.Example.org ,", ALLOWED_HOSTS="a.example.org,b.example.org")
    assert found["PRIVATE_HOSTS"] == ("127.0.0.1:8100", "files.example.org")
    assert found["ALLOWED_HOSTS"] == ["a.example.org", "b.example.org"]


def test_an_identity_provider_is_named_by_three_variables(load: Load) -> None:
    assert load()["OPENID"] == {}
    names = {"OIDC_SERVER_URL": "https://id.example.org", "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "x"}
    found = load(**names, OIDC_NAME="Example ID")
    assert found["OPENID"]["name"] == "Example ID"
    assert found["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"] == [found["OPENID"]]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"DATABASE_URL": "banana"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"DATABASE_URL": "mysql://me:secret@host/name"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"DATABASE_URL": "postgres://me:secret@host:5432/"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"DATABASE_URL": "postgres://me:secret@host:port/name"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/db"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL cannot be read: give postgres://"),
        ({"CELERY_BROKER_URL": "kafka://me:secret@host"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "redis"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "redis://:secret@"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "redis://:secret@host:port/0"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "amqp://me:secret/1@host//"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "amqp://me:secret@a//;"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "amqp://me:secret@a//;b"}, "CELERY_BROKER_URL cannot be read: give redis://"),
        ({"CELERY_BROKER_URL": "amqp://me:secret@a//;redis://b/0"}, "several of one kind"),
        ({"CELERY_BROKER_URL": "rediss://:secret@a/0?ssl_cert_reqs=perhaps"}, "give redis://"),
        ({"CELERY_BROKER_URL": "sentinel://:secret@a:26379"}, "CELERY_BROKER_OPTIONS must name their master"),
        (
            {"CELERY_BROKER_URL": "sentinel://a:26379", "CELERY_BROKER_OPTIONS": '{"sentinel_kwargs": "secret"}'},
            "CELERY_BROKER_OPTIONS must name their master",
        ),
        ({"CELERY_BROKER_OPTIONS": "secret"}, "CELERY_BROKER_OPTIONS cannot be read: give a JSON object"),
        ({"CELERY_BROKER_OPTIONS": "secret=1"}, "CELERY_BROKER_OPTIONS cannot be read: give a JSON object"),
        ({"CELERY_BROKER_OPTIONS": '["secret"]'}, "CELERY_BROKER_OPTIONS cannot be read: give a JSON object"),
        ({"EMAIL_URL": "pigeon://me:secret@host"}, "EMAIL_URL cannot be read: give smtp"),
        ({"WORKER_CONCURRENCY": "many"}, "WORKER_CONCURRENCY cannot be read: give a whole number"),
        ({"WORKER_CONCURRENCY": "0"}, "WORKER_CONCURRENCY cannot be read: give a whole number"),
        ({"MAX_FILE_BYTES": "1e9"}, "MAX_FILE_BYTES cannot be read: give a whole number"),
        ({"PUBLIC_URL": "portal.example.org"}, "PUBLIC_URL cannot be read: give the portal's own address"),
        ({"PUBLIC_URL": "https://host:port/"}, "PUBLIC_URL cannot be read: give the portal's own address"),
        ({"PUBLIC_URL": "https://h.example.org", "CREDENTIAL_KEYS": "k"}, "SECRET_KEY must be given"),
        ({"PUBLIC_URL": "https://h.example.org", "SECRET_KEY": "k" * 50}, "CREDENTIAL_KEYS must be given"),
        (
            {"OIDC_SERVER_URL": "https://id.example.org", "OIDC_CLIENT_SECRET": "secret"},
            "belong together: give all three",
        ),
        (
            {"OIDC_SERVER_URL": "http://id.example.org", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "secret"},
            "as the provider's https address",
        ),
        ({"STORAGE_URL": "s3://key:secret@bucket"}, "STORAGE_URL cannot be read: give s3://bucket/prefix"),
        ({"DATA_DIR": "/dev/null/data"}, "data directory /dev/null/data cannot be written"),
        ({"DATA_DIR": "/proc/data"}, "data directory /proc/data cannot be written"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_a_sentence_without_secrets(load: Load, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        load(**variables)
    assert "secret" not in str(caught.value)
    # A program that prints the traceback reveals no value either, though it quotes the line that failed.
    error: BaseException | None = caught.value
    while error is not None:
        assert "secret" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("url", "scheme", "hosts"),
    [
        ("redis://:secret@a:6379/1", "redis", ["a"]),
        ("rediss://:secret@a:6380/1?ssl_cert_reqs=required", "rediss", ["a"]),
        ("sentinel://:secret@a:26379 ; sentinel://:secret@b:26379", "sentinel", ["a", "b"]),
        ("amqp://me:secret@a:5672//;amqp://me:secret@b:5672//", "amqp", ["a", "b"]),
        ("amqps://me:secret@a:5671//", "amqps", ["a"]),
    ],
)
def test_brokers_of_several_kinds_are_accepted(load: Load, url: str, scheme: str, hosts: list[str]) -> None:
    settings = load(CELERY_BROKER_URL=url, CELERY_BROKER_OPTIONS='{"master_name": "x", "max_retries": 2}')
    assert settings["CELERY_BROKER_URL"] == url.replace(" ", "")
    options = settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert (options["master_name"], options["max_retries"], options["interval_start"]) == ("x", 2, 0)
    # RabbitMQ counts with the prefetch limit instead.
    assert settings["CELERY_WORKER_DISABLE_PREFETCH"] is (scheme not in {"amqp", "amqps"})
    # As Celery reads it: each address is one that it can connect to.
    connection = Connection(settings["CELERY_BROKER_URL"], transport_options=options)
    assert connection.transport_cls == scheme
    assert [parse_url(address)["hostname"] for address in connection.alt or [url]] == hosts
    assert {parse_url(address)["transport"] for address in connection.alt or [url]} == {scheme}
    assert "secret" not in connection.as_uri()
    assert connection.transport.driver_type == ("amqp" if scheme.startswith("amqp") else "redis")


def test_an_empty_signing_key_is_not_used(load: Load, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").touch()
    with pytest.raises(ImproperlyConfigured, match="signing key"):
        load()


@pytest.mark.parametrize("command", ["check", "migrate", "up", "doctor", "shell"])
def test_any_command_ends_with_the_sentence_alone(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", command],
        env=environment(DATA_DIR=str(tmp_path), DATABASE_URL="banana"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("DATABASE_URL cannot be read: ")

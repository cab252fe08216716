"""What the environment makes of the settings, and the one sentence that a mistake in it gets."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.helpers.processes import ROOT, environment

Load = Callable[..., dict[str, Any]]
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
    assert found["WORKER_CONCURRENCY"] == 16
    assert found["PRIVATE_HOSTS"] == ()
    assert load()["SECRET_KEY"] == found["SECRET_KEY"]


def test_an_empty_variable_is_as_good_as_none(load: Load) -> None:
    names = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "PUBLIC_URL", "EMAIL_URL")
    found = load(**dict.fromkeys((*names, "DEBUG", "ALLOWED_HOSTS", "PRIVATE_HOSTS", "WORKER_CONCURRENCY"), ""))
    assert found["SECRET_KEY"]
    assert found["WORKER_CONCURRENCY"] == 16
    assert found["DATABASES"]["default"]["ENGINE"].endswith("sqlite3")


def test_sealing_keys_are_read_from_their_file_when_the_environment_has_none(load: Load) -> None:
    folder: Path = load()["DATA_DIR"]
    (folder / "credential_keys").write_text("kept\n")
    assert load()["CREDENTIAL_KEYS"] == ("kept",)
    found = load(CREDENTIAL_KEYS="new, old")
    assert found["CREDENTIAL_KEYS"] == ("new", "old")
    assert found["CREDENTIAL_KEYS_FILE"] is None


def test_postgresql_keeps_its_connections_and_checks_them(load: Load) -> None:
    database = load(DATABASE_URL="postgres://me:p%40ss@db.example.org:5433/portal")["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("me", "p@ss", "portal")
    assert database["CONN_MAX_AGE"] == 60
    assert database["CONN_HEALTH_CHECKS"] is True


def test_sqlite_waits_its_turn_and_forgets_no_commit(load: Load) -> None:
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
    # Whether a request came over https is taken from nobody's word unless told to.
    assert "SECURE_PROXY_SSL_HEADER" not in found
    assert found["SECURE_SSL_REDIRECT"] is False


def test_a_proxy_that_is_named_is_believed(load: Load) -> None:
    found = load(PUBLIC_URL="https://portal.example.org", PROXY_SSL_HEADER="X-Forwarded-Proto", **KEYS)
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert found["SECURE_SSL_REDIRECT"] is True
    assert "security.W008" not in found["SILENCED_SYSTEM_CHECKS"]


def test_lists_are_split_at_commas(load: Load) -> None:
    found = load(PRIVATE_HOSTS="127.0.0.1:8100, Files.Example.org ,", ALLOWED_HOSTS="a.example.org,b.example.org")
    assert found["PRIVATE_HOSTS"] == ("127.0.0.1:8100", "files.example.org")
    assert found["ALLOWED_HOSTS"] == ["a.example.org", "b.example.org"]


def test_a_provider_of_identities_is_named_by_three_variables(load: Load) -> None:
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
        ({"STORAGE_URL": "s3://bucket"}, "STORAGE_URL is not supported yet"),
        ({"DATA_DIR": "/dev/null/data"}, "data directory /dev/null/data cannot be written"),
        ({"DATA_DIR": "/proc/data"}, "data directory /proc/data cannot be written"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_a_sentence_without_secrets(load: Load, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        load(**variables)
    assert "secret" not in str(caught.value)


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

"""Testing a credential says the same of names that exist in the inner network and of those that do not exist."""

import json
import socket
from typing import Any

import pytest
from django.test import Client

from exports.models import Call, Credential, Token
from exports.providers.registry import PROVIDERS
from tests.helpers.cast import Cast
from tests.helpers.raw_server import run_raw_server, sized
from tests.helpers.roles import ARCHIVES

INNER = {"db.inner.example.org": "10.0.0.5", "cache.inner.example.org": "::1", "mixed.inner.example.org": "127.0.0.1"}


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver of a portal in a company: it knows inner names."""
    real = socket.getaddrinfo

    def resolve(host: str, port: Any, *args: Any, **more: Any) -> list[Any]:
        if not host.endswith(".example.org"):
            return real(host, port, *args, **more)
        if host not in INNER:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (INNER[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def check(cast: Cast, credential: Credential) -> dict[str, Any]:
    token = Token.issue(cast.owner)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    answer = client.post(f"/api/v1/credentials/{credential.pk}/check", {}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_one_sentence_for_names_that_exist_inside_and_names_that_do_not(cast: Cast, resolver: None) -> None:
    shown = set()
    for name in (*INNER, "nothing.inner.example.org", "typo.example.org"):
        credential = cast.credential(ARCHIVES, f"https://{name}", name=name)
        answer = check(cast, credential)
        credential.refresh_from_db()
        errors = sorted(Call.objects.filter(credential=credential).values_list("error", "status"))
        shown.add(json.dumps([answer, credential.last_error, errors]).replace(name, "NAME"))
    assert len(shown) == 1
    assert "leads to no public address" in shown.pop()


@pytest.mark.parametrize(
    "reply",
    [
        sized(b'{"id": 7}', "X-RateLimit-Limit: \xb2", "X-RateLimit-Remaining: " + "9" * 5000),
        sized(b'{"id": ' + b"9" * 400 + b"}"),
        sized(b'{"id": ' + b"9" * 5000 + b"}"),
        sized(b"{}", "Retry-After: " + "9" * 400, status="429 Too Many Requests"),
        sized(b"[" * 100_000),
        sized(b"\xff\xfe\x00", "Content-Encoding: gzip, br", status="401 No"),
        b"HTTP/1.1 302 Found\r\nLocation: https://[::1\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: //\xe9\xff:99999/\r\n\r\n",
        b"HTTP/9.9 999 \xff\r\n\r\n",
        b"\x15\x03\x01\x00\x02",
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_answer_makes_a_check_fail_with_an_error_of_ours(
    cast: Cast, settings: Any, provider: str, reply: bytes
) -> None:
    with run_raw_server() as raw:
        settings.PRIVATE_HOSTS = (raw.host,)
        raw.answer_everything(reply)
        assert check(cast, cast.credential(provider, raw.origin))["ok"] in (True, False)

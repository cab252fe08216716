"""Cookies of answers go back to the very host that set them, and only where the provider wants it."""

from collections.abc import Callable

import pytest

from exports.providers import contract
from exports.transport.client import CallRecord, Client
from exports.transport.cookies import HostCookies
from exports.transport.errors import UnclearError
from exports.transport.response_reader import HeaderFields
from tests.helpers.stub_server import Reply, StubServer

SESSION = {"Set-Cookie": "session=a-long-session-secret; Path=/; HttpOnly; Domain=evil.example"}


class Plain(contract.Provider):
    slug, label = "plain", "Plain"
    secrets = ()

    def headers(self, client: Client) -> dict[str, str]:
        return {}


class Keeping(Plain):
    keeps_cookies = True


def cookies(*lines: str, address: str = "https://a.example/x") -> HostCookies:
    jar = HostCookies()
    jar.read(address, HeaderFields([("Set-Cookie", line) for line in lines]))
    return jar


def test_they_go_back_to_their_host(stub: StubServer, connect: Callable[..., Client]) -> None:
    stub.on("POST /sign-in", Reply(body={}, headers=SESSION))
    stub.on("POST /status", Reply(body={"state": "done"}))
    client = connect(Keeping(), {})
    client.post("/sign-in", {})
    assert client.post("/status", {"id": 1}).body == {"state": "done"}
    assert [one.headers.get("Cookie") for one in stub.requests] == [None, "session=a-long-session-secret"]
    assert "a-long-session-secret" in client.values_to_redact()


def test_most_providers_keep_none(stub: StubServer, connect: Callable[..., Client]) -> None:
    stub.on("GET /a", Reply(body={}, headers=SESSION))
    client = connect(Plain(), {})
    client.get("/a")
    client.get("/a")
    assert [one.headers.get("Cookie") for one in stub.requests] == [None, None]


@pytest.mark.parametrize(
    "address",
    [
        "https://b.example/x",
        "http://a.example/x",
        "https://a.example:8443/x",
        "https://evil.example/x",
        "https://sub.a.example/",
    ],
)
def test_another_host_gets_none(address: str) -> None:
    assert cookies("a=1; Domain=example").header(address) == {}


def test_the_latest_value_counts_and_one_can_end() -> None:
    jar = cookies("a=1", 'b="2"; Secure', "a=3")
    assert jar.header("https://a.example/other") == {"Cookie": "b=2; a=3"}
    jar.read("https://a.example/", HeaderFields([("Set-Cookie", "a=; Max-Age=0"), ("Set-Cookie", "b=9; max-age=-1")]))
    assert jar.header("https://a.example/") == {}
    assert jar.get("https://a.example/", "a") == ""


@pytest.mark.parametrize("line", ["", "=x", "a b=1", "a=1\x01", "a=x y", "a=ü", "a", "a=" + "x" * 5000])
def test_what_is_no_cookie_is_left_out(line: str) -> None:
    assert cookies(line).header("https://a.example/") == {}


def test_a_host_cannot_fill_the_memory() -> None:
    jar = cookies(*(f"c{number}=1" for number in range(500)))
    assert len(list(jar.values())) == 50


def test_a_status_may_be_asked_for_by_post(
    stub: StubServer, connect: Callable[..., Client], calls: list[CallRecord]
) -> None:
    stub.on("POST /status", Reply(307, headers={"Location": "/other"}))
    with pytest.raises(UnclearError):
        connect(Plain(), {}).post("/status", {})
    assert len(calls) == 1


def test_head_and_delete_reach_the_api(stub: StubServer, connect: Callable[..., Client]) -> None:
    stub.on("HEAD /file", Reply(headers={"Last-Modified": "Mon, 30 Nov 2026 17:00:00 GMT"}))
    stub.on("DELETE /file", Reply(204))
    client = connect(Plain(), {})
    assert client.head("/file").headers["Last-Modified"] == "Mon, 30 Nov 2026 17:00:00 GMT"
    assert client.delete("/file").body is None

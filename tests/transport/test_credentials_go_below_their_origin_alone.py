"""An authorised download sends the credential's headers to addresses below its origin, decided anew at each hop."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from exports.providers import contract
from exports.providers.contract import SecretField
from exports.transport.client import CallRecord, Client
from exports.transport.errors import AddressError, BusyError, CredentialError, NotFoundError, UnclearError
from exports.transport.file_requests import file_headers, open_file
from exports.transport.origins import is_below
from exports.transport.ssrf import AddressGuard
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

TOKEN = "Bearer a-token-of-the-credential"


class Depot(contract.Provider):
    """A service whose files want its token, and a header of its own on one host."""

    slug, label = "depot", "Depot"
    secrets = (SecretField("token", "Token"),)
    own: Mapping[str, Mapping[str, str]] = {}

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def download_headers(self, client: Client, address: str) -> Mapping[str, str]:
        return next((headers for host, headers in self.own.items() if host in address), {})


@pytest.fixture
def elsewhere() -> Iterator[StubServer]:
    """A host that has nothing to do with the provider."""
    with run_stub_server() as server:
        server.on("GET /file", Reply(body=b"the file"))
        yield server


@pytest.fixture
def opened(stub: StubServer, elsewhere: StubServer, calls: list[CallRecord]) -> Callable[..., bytes]:
    """opened(link, path=..., authorised=...) reads a file with the credential whose origin is the stub and the path."""

    def read(link: str, *, path: str = "", authorised: bool = True, provider: Depot | None = None) -> bytes:
        guard = AddressGuard.allowing([stub.host, elsewhere.host])
        secrets = {"token": TOKEN.removeprefix("Bearer ")}
        client = Client(provider or Depot(), stub.origin + path, secrets, guard, record_call=calls.append)
        with open_file(client, link, {}, calls.append, authorised=authorised) as response:
            return b"".join(response.chunks(1000))

    return read


def sent(server: StubServer) -> list[str]:
    return [one.headers.get("Authorization", "") for one in server.requests]


@pytest.mark.parametrize(
    ("origin", "address", "below"),
    [
        ("https://a.example", "https://a.example/x", True),
        ("https://a.example", "https://A.EXAMPLE:443/x", True),
        ("https://a.example/git", "https://a.example/git/x", True),
        ("https://a.example/git/", "https://a.example/git", True),
        ("https://a.example/git", "https://a.example/gitx/x", False),
        ("https://a.example/git", "https://a.example/other", False),
        ("https://a.example/git", "https://a.example/git/../other", False),
        ("https://a.example/git", "https://a.example/git/%2e%2e/other", False),
        ("https://a.example/git", "https://a.example/git/%252e%252e/other", False),
        ("https://a.example/git", "https://a.example/git/..%2fother", False),
        ("https://a.example/git", "https://a.example/git/..%5cother", False),
        ("https://a.example/git", "https://a.example/git/..;/other", False),
        ("https://a.example", "http://a.example/x", False),
        ("https://a.example", "https://a.example:8443/x", False),
        ("https://a.example", "https://b.example/x", False),
        ("https://a.example", "https://a.example.evil.example/x", False),
        ("https://a.example", "https://a.example@evil.example/x", False),
        ("https://a.example", "https://user@a.example/x", False),
        ("https://a.example", "https://evil.example\\@a.example/x", False),
        ("https://a.example", "https://a.example./x", False),
        ("https://a.example", "//evil.example/x", False),
        ("https://a.example", "ftp://a.example/x", False),
        ("https://a.example", "https://[", False),
        ("https://a.example", "", False),
    ],
)
def test_an_address_is_below_by_scheme_host_port_and_path(origin: str, address: str, below: bool) -> None:
    assert is_below(origin, address) is below


def test_the_file_is_opened_with_the_credential(stub: StubServer, opened: Callable[..., bytes]) -> None:
    stub.on("GET /api/file", Reply(body=b"the file"))
    assert opened("/api/file") == b"the file"
    assert sent(stub) == [TOKEN]


def test_another_host_gets_nothing(stub: StubServer, elsewhere: StubServer, opened: Callable[..., bytes]) -> None:
    stub.on("GET /api/file", Reply(302, headers={"Location": f"{elsewhere.origin}/file"}))
    assert opened("/api/file") == b"the file"
    assert (sent(stub), sent(elsewhere)) == ([TOKEN], [""])


def test_a_link_on_another_host_gets_nothing(elsewhere: StubServer, opened: Callable[..., bytes]) -> None:
    assert opened(f"{elsewhere.origin}/file") == b"the file"
    assert sent(elsewhere) == [""]


def test_it_is_decided_anew_where_a_redirect_leads_back(
    stub: StubServer, elsewhere: StubServer, opened: Callable[..., bytes]
) -> None:
    stub.on("GET /git/file", Reply(302, headers={"Location": f"{elsewhere.origin}/back"}))
    elsewhere.on("GET /back", Reply(302, headers={"Location": f"{stub.origin}/git/there"}))
    stub.on("GET /git/there", Reply(302, headers={"Location": f"{stub.origin}/outside"}))
    stub.on("GET /outside", Reply(body=b"the file"))
    assert opened(f"{stub.origin}/git/file", path="/git") == b"the file"
    assert sent(stub) == [TOKEN, TOKEN, ""]
    assert sent(elsewhere) == [""]


def test_without_authorisation_the_origin_gets_nothing_either(stub: StubServer, opened: Callable[..., bytes]) -> None:
    stub.on("GET /file", Reply(body=b"x"))
    opened("/file", authorised=False)
    assert sent(stub) == [""]


def test_headers_for_one_host_stay_there(stub: StubServer, elsewhere: StubServer, opened: Callable[..., bytes]) -> None:
    provider = Depot()
    provider.own = {elsewhere.host: {"X-File-Token": "of-that-host-alone"}}
    stub.on("GET /api/file", Reply(302, headers={"Location": f"{elsewhere.origin}/hop"}))
    elsewhere.on("GET /hop", Reply(302, headers={"Location": f"{stub.origin}/end"}))
    stub.on("GET /end", Reply(body=b"x"))
    opened("/api/file", provider=provider)
    assert [one.headers.get("X-File-Token") for one in elsewhere.requests] == ["of-that-host-alone"]
    assert [one.headers.get("X-File-Token") for one in stub.requests] == [None, None]


@pytest.mark.parametrize("name", ["Host", "Range", "Content-Length", "Transfer-Encoding", "connection"])
def test_headers_of_its_own_cannot_change_the_request(
    stub: StubServer, opened: Callable[..., bytes], name: str
) -> None:
    provider = Depot()
    provider.own = {stub.host: {name: "evil"}}
    stub.on("GET /file", Reply(body=b"x"))
    assert opened("/file", provider=provider) == b"x"
    assert "evil" not in stub.requests[0].headers.values()


@pytest.mark.parametrize("value", ["a\r\nX-Injected: yes", "a\nb", "a\0b"])
def test_a_header_with_a_line_break_is_never_sent(stub: StubServer, opened: Callable[..., bytes], value: str) -> None:
    provider = Depot()
    provider.own = {stub.host: {"X-Own": value}}
    stub.on("GET /file", Reply(body=b"x"))
    with pytest.raises(CredentialError, match="characters"):
        opened("/file", provider=provider)
    assert stub.requests == []


@pytest.mark.parametrize(("status", "renewable"), [(401, True), (403, False)])
def test_a_refusal_below_the_origin_is_the_credentials(
    stub: StubServer, opened: Callable[..., bytes], status: int, renewable: bool
) -> None:
    stub.on("GET /file", Reply(status, {"message": "No"}))
    with pytest.raises(CredentialError) as caught:
        opened("/file")
    assert caught.value.renewable is renewable
    assert caught.value.final


def test_a_firewalls_page_below_the_origin_may_pass(stub: StubServer, opened: Callable[..., bytes]) -> None:
    stub.on("GET /file", Reply(403, b"<html>blocked</html>"))
    with pytest.raises(CredentialError) as caught:
        opened("/file")
    assert not caught.value.final


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFoundError), (429, BusyError), (500, UnclearError), (503, UnclearError)]
)
def test_other_errors_are_those_of_its_calls(
    stub: StubServer, opened: Callable[..., bytes], status: int, error: type[Exception]
) -> None:
    stub.on("GET /file", Reply(status, {"message": "No"}))
    with pytest.raises(error):
        opened("/file")


def test_a_refusal_of_another_host_is_only_an_answer(
    stub: StubServer, elsewhere: StubServer, opened: Callable[..., bytes]
) -> None:
    stub.on("GET /file", Reply(302, headers={"Location": f"{elsewhere.origin}/gone"}))
    elsewhere.on("GET /gone", Reply(403, {"message": "expired"}))
    assert b"expired" in opened("/file")


def test_no_error_and_no_record_holds_the_token(
    stub: StubServer, opened: Callable[..., bytes], calls: list[CallRecord]
) -> None:
    stub.on("GET /file", Reply(401, {"message": f"bad token {TOKEN.removeprefix('Bearer ')}"}))
    with pytest.raises(CredentialError) as caught:
        opened("/file")
    assert "a-token-of" not in repr((caught.value.message, caught.value.args, calls))


def test_a_private_address_stays_closed(stub: StubServer, opened: Callable[..., bytes]) -> None:
    stub.on("GET /file", Reply(302, headers={"Location": "http://169.254.169.254/latest"}))
    with pytest.raises(AddressError):
        opened("/file")


def test_what_only_headers_say_is_asked_by_head(
    stub: StubServer, elsewhere: StubServer, calls: list[CallRecord]
) -> None:
    stub.on("HEAD /file", Reply(302, headers={"Location": f"{elsewhere.origin}/file"}))
    elsewhere.on("HEAD /file", Reply(headers={"Last-Modified": "Mon, 30 Nov 2026 17:00:00 GMT"}))
    guard = AddressGuard.allowing([stub.host, elsewhere.host])
    client = Client(Depot(), stub.origin, {"token": "t" * 20}, guard, record_call=calls.append)
    assert file_headers(client, "/file", authorised=True)["Last-Modified"] == "Mon, 30 Nov 2026 17:00:00 GMT"
    assert sent(elsewhere) == [""]
    assert client.call_count == len(calls) == 2

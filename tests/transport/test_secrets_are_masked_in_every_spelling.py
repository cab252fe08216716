"""Nothing that was sent can be read out of what a provider repeats: not encoded, not twice, not cut."""

import base64
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport.client import CallRecord, Client
from exports.transport.errors import ProviderError
from exports.transport.redact import redact, redact_in
from tests.helpers.raw_server import RawServer, sized
from tests.helpers.roles import ARCHIVES, TABLES

SECRET = "s3cr3t/+K3y=&<V4lue>\"of22'chars"
PLAIN = "Kq7vXw2LmN9pRt4sYz8bCd"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: quote(text, safe="").lower(),
    "form": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json twice": lambda text: json.dumps(json.dumps(text))[3:-3],
    "html": html.escape,
    "html of json": lambda text: html.escape(json.dumps(text)[1:-1]),
    "html twice": lambda text: html.escape(html.escape(text)),
    "base64": _base64,
    "base64 without padding": lambda text: _base64(text).rstrip("="),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 twice": lambda text: _base64(_base64(text)),
    "base64 of percent": lambda text: _base64(quote(text, safe="")),
    "percent of base64": lambda text: quote(_base64(text), safe=""),
    "hex": lambda text: text.encode().hex(),
    "hex in upper case": lambda text: text.encode().hex().upper(),
    "UTF-16 in base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode().rstrip("="),
}


def leftovers(secret: str, spell: Callable[[str], str], shown: str) -> list[str]:
    """Every eight characters in a row of the spelled secret that are still there."""
    spelled = spell(secret)
    return [spelled[at : at + 8] for at in range(len(spelled) - 7) if spelled[at : at + 8] in shown]


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
@pytest.mark.parametrize("name", SPELLINGS)
def test_no_spelling_is_shown(secret: str, name: str) -> None:
    spell = SPELLINGS[name]
    shown = redact([secret], f"The key {spell(secret)} is not known.")
    assert leftovers(secret, spell, shown) == []
    assert shown.startswith("The key ")
    assert shown.endswith(" is not known.")


@pytest.mark.parametrize("name", SPELLINGS)
def test_no_part_is_shown_where_somebody_cut_it(name: str) -> None:
    spelled = SPELLINGS[name](PLAIN)
    for size in range(4, len(spelled)):
        shown = redact([PLAIN], f"No key like {spelled[:size]}")
        assert spelled[:4] not in shown.removeprefix("No key like "), size
    for cut in (f"{spelled[:15]}...", f"...{spelled[-15:]}", f"{spelled[:9]} {spelled[9:]}"):
        assert leftovers(PLAIN, SPELLINGS[name], redact([PLAIN], f"No {cut} here")) == []


@pytest.mark.parametrize("secret", [SECRET, PLAIN, SECRET + "x", PLAIN + "yz"])
@pytest.mark.parametrize("around", ["{}", "n:{}", "na:{}", "nam:{}", "n:{}x", "na:{}; path=/", "nam:{} and more"])
def test_base64_of_something_with_the_secret_in_it_decodes_to_nothing_of_it(secret: str, around: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = redact([secret], encode(around.format(secret).encode()).decode())
        before, _, after = shown.partition("***")
        assert "***" not in after
        left = base64.urlsafe_b64decode(before[: len(before) // 4 * 4].replace("+", "-").replace("/", "_"))
        assert set(left.decode("latin-1")) <= set(around), shown
        after = after.rstrip("=").replace("+", "-").replace("/", "_")
        whole = base64.urlsafe_b64decode(after[len(after) % 4 :])
        assert not any(secret[at : at + 2].encode() in whole for at in range(len(secret) - 1)), shown


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("ApiKey AQAAABBBCCC", "No ApiKey like AQAAABBBCCC"),
        ("Bearer  Kq7vXw2LmN", "The Bearer Kq7vXw2LmN"),
        ("a-client:Kq7vXw2LmN", "a-client and Kq7vXw2LmN"),
        ("ab:Kq7vXw2LmN", "ab and Kq7vXw2LmN"),
        ("short6", "it is short6."),
    ],
)
def test_the_parts_of_what_was_sent_are_masked_and_the_schemes_are_not(secret: str, said: str) -> None:
    shown = redact([secret], said)
    assert "***" in shown
    assert not any(part in shown for part in ("Kq7vXw2LmN", "AQAAABBB", "short6", "a-client"))
    assert [word in shown for word in ("ApiKey", "Bearer")] == [word in said for word in ("ApiKey", "Bearer")]


def test_ordinary_words_stay() -> None:
    text = "Export 501 of project 4001 failed at 2026-11-30T01:00:00Z: the template has no scenes. İstanbul"
    assert redact([SECRET, PLAIN, "short"], text) == text
    assert redact_in([PLAIN], {"a": [text, {PLAIN: PLAIN}]}) == {"a": [text, {"***": "***"}]}


def test_a_deep_value_is_bounded() -> None:
    deep: object = PLAIN
    for _ in range(900):
        deep = [deep]
    assert PLAIN not in str(redact_in([PLAIN], deep))


OAUTH = {"client_id": "the-client-id-1", "client_secret": PLAIN, "refresh_token": "rfr-8H2kLq0ZxCvBnM7"}


@pytest.mark.parametrize("length", range(255, 305, 7))
def test_a_provider_that_repeats_the_basic_header_reveals_nothing_however_long_its_sentence(
    raw: RawServer, length: int
) -> None:
    """Sentences are cut at 300 characters; the header is masked before that."""

    def refuse(head: bytes) -> bytes:
        sent = next(line for line in head.decode().split("\r\n") if line.lower().startswith("authorization"))
        return sized(json.dumps({"error": "x" * length + " " + sent}).encode(), status="401 Unauthorized")

    raw.on("POST /oauth2/token/", refuse)
    calls: list[CallRecord] = []
    client = Client(PROVIDERS[TABLES], raw.origin, OAUTH, raw.guard, record_call=calls.append)
    with pytest.raises(ProviderError) as caught:
        client.get("/v1/me")
    shown = f"{caught.value.message} {caught.value.args} {calls}"
    header = _base64(f"{OAUTH['client_id']}:{PLAIN}")
    assert [header[at : at + 4] for at in range(len(header) - 3) if header[at : at + 4] in shown] == []


def test_a_former_refresh_token_is_masked_after_it_was_replaced(raw: RawServer) -> None:
    granted = {"access_token": "a-fresh-access-token-77", "expires_in": 36000, "refresh_token": "another-refresh-token"}
    raw.on("POST /oauth2/token/", sized(json.dumps(granted).encode()))
    said = {"message": f"Not {OAUTH['refresh_token']}, not another-refresh-token, not a-fresh-access-token-77."}
    raw.on("GET /v1/me", sized(json.dumps(said).encode(), status="400 Bad Request"))
    client = Client(PROVIDERS[TABLES], raw.origin, OAUTH, raw.guard)
    with pytest.raises(ProviderError, match=r"Not \*\*\*, not \*\*\*, not \*\*\*\."):
        client.get("/v1/me")


class SignedCalls(type(PROVIDERS[ARCHIVES])):  # type: ignore[misc]
    """A provider whose calls carry a header made of its secrets."""

    def headers(self, client: Client) -> dict[str, str]:
        return {"X-Signature": f"v1={_base64(client.secrets['token'][::-1])}", "X-Version": "2026-11-30"}


def test_a_header_made_of_secrets_is_masked_and_a_version_is_not(raw: RawServer) -> None:
    def refuse(head: bytes) -> bytes:
        sent = next(line for line in head.decode().split("\r\n") if line.startswith("X-Signature"))
        return sized(json.dumps({"message": f"Not {sent} in 2026-11-30"}).encode(), status="400 Bad Request")

    raw.on("GET /api/jobs/1", refuse)
    with pytest.raises(ProviderError, match=r"Not X-Signature: \*\*\* in 2026-11-30"):
        Client(SignedCalls(), raw.origin, {"token": PLAIN}, raw.guard).get("/api/jobs/1")


def test_masking_costs_little() -> None:
    token = "Bearer " + base64.b64encode(bytes(range(256)) * 4).decode()
    redact([token], "x")
    begun = time.process_time()
    for _ in range(200):
        redact([token], "https://api.example.org/api/v1/projects/12345/exports/77")
    assert time.process_time() - begun < 0.5

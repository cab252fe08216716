"""Toloka's two kinds of token, and whose one is. Source: https://toloka.ai/docs/api/ (access, requester)."""

from collections.abc import Mapping
from typing import Final

from exports.providers import parsing
from exports.providers.toloka import operations as api
from exports.transport.client import Client

SCHEMES: Final = (("ApiKey", "ApiKey"), ("OAuth", "OAuth"))


def authorization(secrets: Mapping[str, str]) -> str:
    """The header's value. The scheme by the token's shape, as in Toloka's clients: an API key has two dots, the first
    at 22 to 24."""
    written, token = split_scheme(secrets["token"])
    shape = "ApiKey" if token.count(".") == 2 and 22 <= token.index(".") <= 24 else "OAuth"
    return f"{secrets.get('scheme') or written or shape} {token}"


def split_scheme(value: str) -> tuple[str, str]:
    """Scheme and token of "ApiKey TOKEN" or "OAuth TOKEN", as people copy them from a header; else "" and all of it."""
    word, _, token = value.partition(" ")
    scheme = {name.lower(): name for name, _ in SCHEMES}.get(word.lower(), "")
    return (scheme, token.strip()) if scheme and token else ("", value)


def describe_requester(client: Client) -> str:
    """GET /requester: the name of the token's owner and the balance, for people."""
    account = parsing.parse_account(client.get(f"{api.API_PREFIX}/requester"))
    name = parsing.localized_text(account.get("public_name"), parsing.text(account["id"]))
    balance = account.get("balance")
    has_balance = isinstance(balance, int | float) and balance is not True and abs(balance) < 1e12
    return f"{name}, balance {balance:.2f} USD" if has_balance else name

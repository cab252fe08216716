"""Objects that hold a secret do not show it when they are printed."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import exports
from exports.api.schemas import NewCredential
from exports.providers.contract import Job, Status
from exports.supervisor.child import ChildProcess
from exports.transport.client import ApiResponse, Client
from exports.transport.provider_api import Grant
from exports.transport.ssrf import AddressGuard
from tests.helpers.roles import TABLES

# Fields that may hold a secret, or something that has one in it.
TELLING = {
    *("secret", "secrets", "token", "link", "url", "hook", "grant", "refused", "password", "env", "environment"),
    *("body", "headers", "head", "key", "keys", "sealed", "mark"),
}
# These hold none: addresses that are shown, and what the first rows of a file are headed by.
HARMLESS = {"CallRecord.url", "Link.headers", "Table.head"}


def dataclasses_of_ours() -> Iterator[Any]:
    for found in pkgutil.walk_packages(exports.__path__, "exports."):
        if ".sandbox" in found.name or ".migrations" in found.name or found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == found.name:
                yield value


def test_fields_that_may_contain_a_secret_are_left_out_of_repr() -> None:
    found = list(dataclasses_of_ours())
    showing = [
        f"{one.__name__}.{field.name}"
        for one in found
        for field in dataclasses.fields(one)
        if field.repr and field.name in TELLING and "__create_fn__" in one.__repr__.__qualname__
    ]
    assert len(found) > 30
    assert set(showing) - HARMLESS == set()


SECRET = "a-secret-of-somebody"


@pytest.mark.parametrize(
    "thing",
    [
        Grant(SECRET, 1.0, {"refresh_token": SECRET}),
        Status("done", link=f"https://x.example/{SECRET}"),
        Job("1", "orders", webhook_url=f"https://x.example/{SECRET}"),
        ApiResponse(200, {"access_token": SECRET}, {"Set-Cookie": SECRET}),
        Client(TABLES.provider, "https://x.example", {"api_key": SECRET}, AddressGuard(), grant=Grant(SECRET, 1.0)),
        ChildProcess("web", ["python"], {"SECRET_KEY": SECRET}),
        NewCredential(provider=TABLES, name="One", secrets={"api_key": SECRET}),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_no_printed_object_contains_a_secret(thing: Any) -> None:
    assert SECRET not in f"{thing!r} {thing}"

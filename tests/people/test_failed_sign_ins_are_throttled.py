"""Failed sign-ins are counted per account and per address, by all processes together, and answered with 429."""

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from exports.models import Member
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.second_factors import add_totp, client_after_password, is_signed_in


def attempt(email: str, password: str = "wrong", address: str = "192.0.2.1", **headers: str) -> HttpResponse:
    """One attempt, by a process that has seen none of the others."""
    if caches.all(initialized_only=True):
        del caches["default"]
    sent = {"username": email, "password": password}
    return Client(headers=headers).post("/sign-in/", sent, REMOTE_ADDR=address)  # type: ignore[return-value]


def test_an_account_is_throttled_after_five_failures(cast: Cast) -> None:
    email = cast.member.user.email
    said = [attempt(email, address=f"192.0.2.{number}").status_code for number in range(5)]
    assert said == [200] * 5
    # From elsewhere, and with the right password, by a process of its own.
    late = attempt(email.upper(), PASSWORD, address="198.51.100.7")
    assert late.status_code == 429
    assert late["Retry-After"] == "300"
    page = late.content.decode()
    assert "<h1>Too many attempts</h1>" in page
    assert "Try again in 5 minutes." in page
    assert attempt(cast.viewer.user.email, PASSWORD).status_code == 302


def test_the_host_header_gives_no_further_attempts(cast: Cast) -> None:
    said = [attempt(cast.member.user.email, host=f"localhost:{8000 + number}").status_code for number in range(7)]
    assert said == [200] * 5 + [429] * 2


def test_an_unknown_account_is_throttled_alike(cast: Cast) -> None:
    said = [attempt("nobody@example.org").status_code for _ in range(6)]
    assert said == [200] * 5 + [429]


def test_an_address_is_throttled_after_ten_failures_a_minute(cast: Cast, clock: time_machine.Traveller) -> None:
    said = [attempt(f"nobody-{number}@example.org").status_code for number in range(11)]
    assert said == [200] * 10 + [429]
    assert attempt(cast.member.user.email, PASSWORD).status_code == 429
    assert attempt(cast.member.user.email, PASSWORD, address="198.51.100.7").status_code == 302
    clock.shift(61)
    assert attempt(cast.member.user.email, PASSWORD).status_code == 302


@pytest.mark.parametrize("named", [True, False])
def test_behind_a_proxy_the_address_in_its_named_header_counts(cast: Cast, settings: Settings, named: bool) -> None:
    settings.PROXY_ADDRESS_HEADER = "X-Forwarded-For" if named else ""
    # What stands before the last comma, the visitor may have written.
    said = [
        attempt(f"nobody-{number}@example.org", **{"x-forwarded-for": f"spoofed, 198.51.100.{number}"}).status_code
        for number in range(11)
    ]
    assert said == [200] * 10 + [200 if named else 429]


def test_wrong_codes_are_counted_too(member: Member, clock: time_machine.Traveller) -> None:
    add_totp(member)
    browser = client_after_password(member)
    said = [browser.post("/sign-in/second-factor", {"code": f"{number:06}"}).status_code for number in range(6)]
    assert said == [200] * 5 + [429]
    assert not is_signed_in(browser)


def test_failures_are_counted_in_the_database() -> None:
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


@pytest.mark.django_db
def test_the_cache_stores_values_in_its_table() -> None:
    assert "cache" in connection.introspection.table_names()
    caches["default"].set("a-key", [1.5], 10)
    assert caches["default"].get("a-key") == [1.5]
    assert caches["default"].add("a-key", 1) is False

"""A request cannot set a URL prefix, and a prefix does not circumvent the limits."""

import pytest
from django.test import Client

from tests.security.production_portal import HOST, Portal


@pytest.mark.django_db
@pytest.mark.timeout(120)
def test_a_header_sets_no_prefix(portal: Portal) -> None:
    begin = f"GET /evil/sign-in/ HTTP/1.1\nHost: {HOST}\nX-Forwarded-Proto: https\n"
    assert portal.raw(f"{begin}SCRIPT_NAME: /evil\nConnection: close\n\n").status == 404


def test_the_limit_of_a_body_does_not_depend_on_the_prefix(client: Client, db: None) -> None:
    for prefix in ("", "/api", "/hooks"):
        assert client.post("/sign-in/", "x" * 1_100_000, "text/plain", SCRIPT_NAME=prefix).status_code == 413

"""Rows of a provider whose package is gone: pages, lists of staff and the API say so, and none breaks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from exports.models import Credential, Export, Member, Token
from exports.models.token import WRITE
from tests.helpers import page_routes
from tests.helpers.cast import Cast
from tests.helpers.crawl import admin_paths, api_paths, staff_user

pytestmark = [pytest.mark.slow(seconds=3), pytest.mark.django_db]
GONE = "lostbox"


@pytest.fixture
def numbers(cast: Cast) -> page_routes.ObjectIds:
    """Something in every state, and then its providers are gone."""
    numbers = page_routes.create_sample_data(cast)
    Credential.objects.update(provider=GONE)
    return numbers


def statuses(client: Client, paths: Iterator[tuple[str, str, Any]]) -> dict[str, int]:
    client.raise_request_exception = False
    found = {}
    for method, path, body in paths:
        answer = client.generic(method, path, body, "application/json" if path.startswith("/api") else FORM)
        found[f"{method} {path}"] = answer.status_code
    return found


FORM = "application/x-www-form-urlencoded"


def signed_in(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def api_client(member: Member) -> Client:
    token = Token.issue(member, WRITE)
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def test_every_page_is_shown(cast: Cast, numbers: page_routes.ObjectIds) -> None:
    paths = (
        ("GET", page_routes.visit_url(name, visit, numbers), "")
        for name, visits in page_routes.PAGES.items()
        for visit in visits
        if name != "web:invitation"
    )
    broken = {path: status for path, status in statuses(signed_in(cast.owner), paths).items() if status >= 500}
    assert broken == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_answers(cast: Cast, numbers: page_routes.ObjectIds, method: str) -> None:
    routes = [route for route in page_routes.every_route() if not route.startswith(("admin/", "hooks/", "sign-out"))]
    paths = (
        (method, page_routes.fill_route(route, cast, numbers, str(numbers["team"])), "")
        for route in sorted(routes, key=lambda route: "delete" in route)
    )
    broken = {path: status for path, status in statuses(signed_in(cast.owner), paths).items() if status >= 500}
    assert broken == {}


def test_staff_see_every_row(numbers: page_routes.ObjectIds) -> None:
    client = Client()
    client.force_login(staff_user())
    paths = (("GET", path, "") for path in admin_paths(list(Export.objects.all())))
    broken = {path: status for path, status in statuses(client, paths).items() if status >= 500}
    assert broken == {}


def test_every_call_of_the_api_that_reads_answers(cast: Cast, numbers: page_routes.ObjectIds) -> None:
    client = api_client(cast.owner)
    paths = (("GET", path, "") for path in api_paths(list(Export.objects.all())))
    broken = {path: status for path, status in statuses(client, paths).items() if status >= 500}
    assert broken == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/exports/{open}/cancel", "{}"),
        ("/exports/{bad}/retry", "{}"),
        ("/exports/{bad}/adopt", '{"remote_id": "7"}'),
        ("/exports/{damaged}/fetch", "{}"),
        ("/projects/{copy}/exports", '{"type": "orders"}'),
        ("/projects/{copy}/schedules", '{"type": "orders", "cron": "@daily"}'),
        ("/schedules/{schedule}/run", "{}"),
        ("/projects", '{"credential_id": {c}, "remote_id": "17"}'),
        ("/credentials/{c}/check", "{}"),
        ("/credentials/{c}/discover", "{}"),
    ],
)
def test_every_call_of_the_api_that_changes_something_answers(
    cast: Cast, numbers: page_routes.ObjectIds, path: str, body: str
) -> None:
    client = api_client(cast.owner)
    for name, number in numbers.items():
        path, body = path.replace(f"{{{name}}}", str(number)), body.replace(f"{{{name}}}", str(number))
    answer = client.generic("POST", f"/api/v1{path}", body, "application/json")
    assert answer.status_code < 500, answer.content
    if "cancel" not in path:
        assert "not installed" in answer.content.decode(), (answer.status_code, answer.content)

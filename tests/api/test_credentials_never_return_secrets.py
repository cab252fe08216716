"""Credentials: owners add them, secrets are never returned, and the provider is called only on request."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pytest_django import Settings

from exports.models import Call, Credential, Member
from exports.providers.registry import PROVIDERS
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING

OriginOf = Callable[[str], str]


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    """Speaks for the owner."""
    return ApiClient(owner)


def credential_of(provider: str, secrets: Mapping[str, str], name: str = "Ours") -> dict[str, Any]:
    """What to post, with an address where the provider has none of its own."""
    body: dict[str, Any] = {"provider": provider, "name": name, "secrets": secrets}
    return body if PROVIDERS[provider].origins else {**body, "origin": "https://service.example.org"}


@pytest.mark.parametrize("provider", SECRETS)
def test_a_credential_of_every_provider_can_be_added(owner_api: ApiClient, provider: str) -> None:
    answer = owner_api.post("/credentials", credential_of(provider, SECRETS[provider]))
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {
        *("id", "provider", "name", "origin", "dialect", "secret_fields"),
        *("created_at", "used_at", "checked_at", "trouble", "paused", "discovered_at", "discovery_error"),
    }
    assert (made["provider"], made["name"], made["trouble"]) == (provider, "Ours", "")
    assert sorted(made["secret_fields"]) == sorted(SECRETS[provider])
    assert made["origin"].startswith("https://")
    assert (made["used_at"], made["checked_at"]) == (None, None)
    assert owner_api.get("/credentials").json()["credentials"] == [made]
    assert not Call.objects.exists()


@pytest.mark.parametrize("provider", SECRETS)
def test_no_answer_contains_a_secret(owner_api: ApiClient, provider: str) -> None:
    values = {name: f"marked-7f3a-{value}" for name, value in SECRETS[provider].items() if name != "scheme"}
    made = owner_api.post("/credentials", credential_of(provider, values))
    assert made.status_code == 201
    again = owner_api.post("/credentials", credential_of(provider, values))
    wrong = owner_api.post("/credentials", credential_of(provider, {**values, "more": "marked-7f3a"}, name="x"))
    listed = owner_api.get("/credentials")
    assert all(b"marked-7f3a" not in answer.content for answer in (made, again, wrong, listed))


def test_an_origin_is_a_declared_name_or_an_address(owner_api: ApiClient) -> None:
    body = {"provider": CHANGING, "secrets": SECRETS[CHANGING]}
    named = owner_api.post("/credentials", {**body, "name": "a", "origin": "sandbox"})
    assert named.json()["origin"] == CHANGING.provider.origins["sandbox"]
    address = owner_api.post("/credentials", {**body, "name": "b", "origin": f"https://93.184.215.14/{CHANGING}/"})
    assert address.json()["origin"] == f"https://93.184.215.14/{CHANGING}"


def test_a_dialect_is_one_of_the_providers(owner_api: ApiClient) -> None:
    body = {"provider": ARCHIVES, "secrets": SECRETS[ARCHIVES]}
    assert owner_api.post("/credentials", {**body, "name": "a"}).json()["dialect"] == "current"
    assert owner_api.post("/credentials", {**body, "name": "b", "dialect": "seed"}).json()["dialect"] == "seed"


GOOD: dict[str, Any] = {"provider": ARCHIVES, "name": "Ours", "secrets": {"token": "sandbox-token"}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": "dropbox"}, "provider"),
        ({"provider": 1}, "provider"),
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": None}, "name"),
        ({"secrets": {}}, "secrets.token"),
        ({"secrets": {"token": ""}}, "secrets.token"),
        ({"secrets": {"token": 1}}, "secrets.token"),
        ({"secrets": {"token": "with space"}}, "secrets.token"),
        ({"secrets": {"token": "t", "password": "p"}}, "secrets.password"),
        ({"secrets": "token"}, "secrets"),
        ({"secrets": None}, "secrets"),
        ({"origin": ARCHIVES.provider.origins["production"].replace("https:", "http:")}, "origin"),
        ({"origin": "https://127.0.0.1"}, "origin"),
        ({"origin": "nowhere"}, "origin"),
        ({"origin": 5}, "origin"),
        ({"dialect": "klingon"}, "dialect"),
        ({"token": "x"}, "token"),
    ],
)
def test_invalid_values_are_422_with_an_error_per_field(
    owner_api: ApiClient, change: dict[str, Any], field: str
) -> None:
    answer = problem_body(owner_api.post("/credentials", GOOD | change), 422)
    assert set(answer["errors"]) == {field}
    assert not Credential.objects.exists()


def test_all_missing_fields_are_named_in_one_answer(owner_api: ApiClient) -> None:
    assert set(problem_body(owner_api.post("/credentials"), 422)["errors"]) == {"provider", "name", "secrets"}


def test_a_name_is_unique_in_a_team(owner_api: ApiClient, outsider: Member) -> None:
    assert owner_api.post("/credentials", GOOD).status_code == 201
    assert set(problem_body(owner_api.post("/credentials", GOOD), 422)["errors"]) == {"name"}
    assert ApiClient(outsider).post("/credentials", GOOD).status_code == 201


def test_testing_a_valid_credential_names_the_steps(member_api: ApiClient, cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(ARCHIVES, origin_of(ARCHIVES))
    answer = member_api.post(f"/credentials/{credential.pk}/check")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ok"] is True
    assert body["steps"]
    assert all(set(step) == {"name", "ok", "detail"} and step["ok"] for step in body["steps"])
    assert member_api.get("/credentials").json()["credentials"][0]["checked_at"]


def test_testing_a_refused_credential_is_200_and_keeps_the_last_error(
    member_api: ApiClient, cast: Cast, origin_of: OriginOf
) -> None:
    credential = cast.credential(ARCHIVES, origin_of(ARCHIVES), secrets={"token": "dead"})
    body = member_api.post(f"/credentials/{credential.pk}/check").json()
    assert body["ok"] is False
    assert body["detail"]
    assert member_api.get("/credentials").json()["credentials"][0]["trouble"] == body["detail"]


def test_the_providers_projects_can_be_listed(member_api: ApiClient, cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(CHANGING, origin_of(CHANGING))
    body = member_api.get(f"/credentials/{credential.pk}/remote-projects").json()
    assert body["meta"] == {"limit": len(body["projects"]), "next": None}
    assert "10" in [project["id"] for project in body["projects"]]
    assert all(set(project) == {"id", "name", "note"} for project in body["projects"])


def test_an_error_of_the_provider_is_502_with_its_message(
    member_api: ApiClient, cast: Cast, origin_of: OriginOf
) -> None:
    credential = cast.credential(CHANGING, origin_of(CHANGING), secrets={"token": "dead", "scheme": "OAuth"})
    assert problem_body(member_api.get(f"/credentials/{credential.pk}/remote-projects"), 502)["detail"]


def test_a_secret_whose_key_is_lost_is_503_and_says_what_to_do(
    member_api: ApiClient, cast: Cast, settings: Settings
) -> None:
    credential = cast.credential(CHANGING)
    settings.CREDENTIAL_KEYS = ("another key",)
    assert (
        "CREDENTIAL_KEYS"
        in problem_body(member_api.get(f"/credentials/{credential.pk}/remote-projects"), 503)["detail"]
    )
    assert member_api.post(f"/credentials/{credential.pk}/check").json()["ok"] is False
    assert member_api.get("/credentials").status_code == 200


def test_a_credential_of_a_removed_provider_is_still_listed(member_api: ApiClient, cast: Cast) -> None:
    credential = cast.credential(CHANGING)
    Credential.objects.filter(pk=credential.pk).update(provider="gone")
    (one,) = member_api.get("/credentials").json()["credentials"]
    assert (one["provider"], one["origin"], one["secret_fields"]) == ("gone", "", ["scheme", "token"])

"""Projects and credentials are added from declarations, tested in steps, and deleted; secrets are never sent back."""

from collections.abc import Callable

import pytest
from django.test import Client

from exports.models import Credential, Project
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS

TEAM = "/t/the-team/"


@pytest.mark.parametrize("slug", list(PROVIDERS))
def test_every_provider_has_its_declared_form(as_owner: Client, slug: str) -> None:
    page = as_owner.get(f"{TEAM}credentials/add/{slug}/").content.decode()
    for secret in PROVIDERS[slug].secrets:
        kind = "select" if secret.choices else 'input type="text"' if secret.is_public else 'input type="password"'
        assert f'<{kind} name="secret-{secret.name}"' in page
    for name in PROVIDERS[slug].origins:
        assert f'<option value="{name}"' in page
    assert ('name="dialect"' in page) == bool(PROVIDERS[slug].dialects)


@pytest.mark.parametrize("slug", list(PROVIDERS))
def test_adding_a_credential_leads_to_its_test(
    as_owner: Client, cast: Cast, origin_of: Callable[[str], str], slug: str
) -> None:
    secrets = {f"secret-{name}": value for name, value in SECRETS[slug].items()}
    sent = {"name": "Ours", "origin": "other", "address": origin_of(slug), **secrets}
    answer = as_owner.post(f"{TEAM}credentials/add/{slug}/", sent)
    credential = Credential.objects.get()
    assert answer["Location"] == f"{TEAM}credentials/{credential.pk}/?saved"
    assert credential.secrets() == SECRETS[slug]
    assert credential.origin_url == origin_of(slug)
    page = as_owner.post(f"{TEAM}credentials/{credential.pk}/test").content.decode()
    assert "Works" in page
    assert page.partition('class="checks"')[2].count("<li>") >= 1


def test_a_declared_origin_and_dialect_can_be_chosen(as_owner: Client, cast: Cast) -> None:
    sent = {"name": "Ours", "origin": "production", "secret-token": "abc", "dialect": "seed"}
    as_owner.post(f"{TEAM}credentials/add/{ARCHIVES}/", sent)
    credential = Credential.objects.get()
    assert (credential.origin, credential.dialect) == ("production", "seed")
    assert credential.origin_url == PROVIDERS[ARCHIVES].origins["production"]


def test_errors_are_shown_beside_their_fields_and_secrets_are_not_sent_back(as_owner: Client, cast: Cast) -> None:
    sent = {"name": "Ours", "origin": "production", "secret-api_key": "k-3-y", "secret-client_id": "c-l-i"}
    answer = as_owner.post(f"{TEAM}credentials/add/{TABLES}/", sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Give either this or all three" in page
    assert 'value="Ours"' in page
    assert "k-3-y" not in page
    assert "c-l-i" not in page
    assert not Credential.objects.exists()


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/", "ftp://example.org", "nonsense", "https://example.org/?a=b", ""]
)
def test_an_invalid_or_private_origin_is_refused(as_owner: Client, cast: Cast, address: str) -> None:
    sent = {"name": "Ours", "origin": "other", "address": address, "secret-token": "abc"}
    answer = as_owner.post(f"{TEAM}credentials/add/{ARCHIVES}/", sent)
    assert answer.status_code == 422
    assert 'id="id_address_error"' in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_name_in_use_is_refused(as_owner: Client, cast: Cast) -> None:
    cast.credential(ARCHIVES, name="Ours")
    sent = {"name": "Ours", "origin": "production", "secret-token": "abc"}
    answer = as_owner.post(f"{TEAM}credentials/add/{ARCHIVES}/", sent)
    assert "The team has a credential of this name." in answer.content.decode()


def test_a_refused_credential_fails_in_a_named_step(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS), secrets={"app_id": "no", "user_key": "no"})
    page = as_member.post(f"{TEAM}credentials/{credential.pk}/test").content.decode()
    assert "Fetch a token" in page
    assert "i is-bad" in page
    credential.refresh_from_db()
    assert credential.last_error
    assert "Rejected" in as_member.get(f"{TEAM}credentials/").content.decode()


def test_no_page_contains_a_secret(as_owner: Client, cast: Cast) -> None:
    credential = cast.credential(ARCHIVES, secrets={"token": "v3ry-secret"})
    for path in ("", "credentials/", f"credentials/{credential.pk}/", f"projects/add/{credential.pk}/"):
        page = as_owner.get(f"{TEAM}{path}").content.decode()
        assert "v3ry-secret" not in page
        assert credential.encrypted_secrets["token"] not in page


def test_a_credential_without_dependents_can_be_deleted(as_owner: Client, cast: Cast) -> None:
    used = cast.project(TABLES).credential
    page = as_owner.post(f"{TEAM}credentials/{used.pk}/delete", follow=True).content.decode()
    assert "Archive it first." in page
    free = cast.credential(CHANGING)
    assert as_owner.post(f"{TEAM}credentials/{free.pk}/delete")["Location"] == f"{TEAM}credentials/"
    assert not Credential.objects.filter(pk=free.pk).exists()


def test_projects_can_be_picked_from_the_providers_list(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    credential = cast.project(ARCHIVES, origin_of(ARCHIVES)).credential
    listed = as_member.get(f"{TEAM}projects/add/{credential.pk}/there").content.decode()
    assert 'name="picked" value="100001" disabled' in listed
    assert "Added" in listed
    without_scripts = as_member.get(f"{TEAM}projects/add/{credential.pk}/?list=1").content.decode()
    assert 'name="picked"' in without_scripts
    sent = {"picked": ["100002", "100003"], "name of 100002": "Second", "name of 100003": "Third"}
    assert as_member.post(f"{TEAM}projects/add/{credential.pk}/", sent)["Location"] == f"{TEAM}projects/"
    names = Project.objects.filter(remote_id__in=["100002", "100003"]).order_by("pk").values_list("name", flat=True)
    assert list(names) == ["Second", "Third"]


def test_an_unavailable_list_leaves_typing_the_id(
    as_member: Client, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    credential = cast.credential(CHANGING, origin_of(CHANGING), secrets={"token": "wrong", "scheme": "OAuth"})
    page = as_member.get(f"{TEAM}projects/add/{credential.pk}/there").content.decode()
    assert "Paste a link below." in page


def test_many_credentials_can_be_searched(as_member: Client, cast: Cast) -> None:
    for number in range(5):
        cast.credential(TABLES, name=f"Account {number}")
    path = "/t/the-team/projects/add/"
    assert 'id="id_narrow"' not in as_member.get(path).content.decode()
    cast.credential(TABLES, name="Account 5")
    text = as_member.get(path).content.decode()
    assert 'id="id_narrow"' in text
    assert text.count("data-narrow-one") == 6


def test_an_id_can_be_typed(as_member: Client, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    path = f"{TEAM}projects/add/{credential.pk}/"
    for wrong in ("a/b", "", "x" * 300):
        answer = as_member.post(path, {"remote_id": wrong, "name": "Kept <name>"})
        assert answer.status_code == 422
        assert "Kept &lt;name&gt;" in answer.content.decode()
    assert as_member.post(path, {"remote_id": " 4001 ", "name": "Bakery"})["Location"] == f"{TEAM}new/"
    assert str(Project.objects.get()) == "Bakery"
    again = as_member.post(path, {"remote_id": "4001"})
    assert again.status_code == 422
    assert "has this project already" in again.content.decode()

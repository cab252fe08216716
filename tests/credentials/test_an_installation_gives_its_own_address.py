"""A provider without an address that all share: a credential must give one, and the form asks for it."""

import pytest
from django.test import Client

from exports.credentials import service
from exports.errors import InvalidError
from exports.models import Credential
from exports.providers.registry import PROVIDERS
from exports.web.credential_forms import CredentialForm
from tests.helpers.cast import SECRETS, Cast

HOMELESS = next(slug for slug, provider in PROVIDERS.items() if not provider.origins)
SHARED = next(slug for slug, provider in PROVIDERS.items() if provider.origins)


@pytest.mark.django_db
def test_without_an_address_there_is_no_credential(cast: Cast) -> None:
    with pytest.raises(InvalidError) as caught:
        service.create_credential(cast.team, cast.owner.user, provider=HOMELESS, name="x", secrets=SECRETS[HOMELESS])
    assert caught.value.errors["origin"][0].startswith("Give the address.")
    assert PROVIDERS[HOMELESS].address_help in caught.value.errors["origin"][0]


@pytest.mark.django_db
def test_a_path_stays_in_the_address(cast: Cast) -> None:
    credential = cast.credential(HOMELESS, "https://example.org/tracker/")
    assert credential.origin_url == "https://example.org/tracker"


@pytest.mark.django_db
def test_an_address_that_cannot_be_opened_names_no_others(cast: Cast) -> None:
    with pytest.raises(InvalidError) as caught:
        service.create_credential(
            cast.team, cast.owner.user, provider=HOMELESS, name="x", secrets=SECRETS[HOMELESS], origin="http://10.0.0.1"
        )
    assert len(caught.value.errors["origin"]) == 1


def test_the_form_asks_for_the_address_where_there_is_no_list(db: None) -> None:
    form = CredentialForm(PROVIDERS[HOMELESS])
    assert "origin" not in form.fields
    assert form.fields["address"].required
    other = CredentialForm(PROVIDERS[SHARED])
    assert "origin" in other.fields
    assert not other.fields["address"].required


@pytest.mark.django_db
def test_the_page_adds_it(cast: Cast, as_owner: Client) -> None:
    path = f"/t/{cast.team.slug}/credentials/add/{HOMELESS}/"
    page = as_owner.get(path).content.decode()
    assert page.index('name="address"') < page.index("secret-")
    fields = {f"secret-{name}": value for name, value in SECRETS[HOMELESS].items()}
    refused = as_owner.post(path, {"name": "Ours", **fields})
    assert refused.status_code in (200, 422)
    added = as_owner.post(path, {"name": "Ours", "address": "https://example.org/tracker", **fields})
    assert added.status_code == 302
    assert Credential.objects.get(team=cast.team, name="Ours").origin == "https://example.org/tracker"

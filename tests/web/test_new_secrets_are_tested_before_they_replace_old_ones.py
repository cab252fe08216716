"""New secrets of a credential are tested before they replace the old ones, and dependents are shown before a change."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from exports.credentials import replace_secrets
from exports.errors import InvalidError
from exports.models import AuditEntry, Call, Credential
from exports.sandbox.server import Sandbox
from tests.helpers import factories
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.roles import TABLES, VIDEOS

TEAM = "/t/the-team/"
OriginOf = Callable[[str], str]


def send(browser: Client, credential: Credential, **secrets: str) -> Any:
    return browser.post(f"{TEAM}credentials/{credential.pk}/replace", secrets)


def test_secrets_that_work_replace_the_old_ones(as_owner: Client, cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS), secrets={"app_id": "old-id", "user_key": "old-key"})
    Credential.objects.update(last_error="refused")
    answer = send(as_owner, credential, **{"secret-app_id": "sandbox-app", "secret-user_key": "sandbox-key"})
    assert answer.status_code == 302
    page = as_owner.get(answer["Location"]).content.decode()
    assert "Secret replaced and in use" in page
    credential.refresh_from_db()
    assert credential.secrets() == SECRETS[VIDEOS]
    assert credential.last_error == ""
    assert credential.checked_at
    event = AuditEntry.objects.get(verb="replaced secrets")
    assert event.detail == "app_id, user_key; tested first"


def test_secrets_that_fail_replace_nothing(as_owner: Client, cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS))
    answer = send(as_owner, credential, **{"secret-user_key": "wr0ng-key"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Not replaced: the new secret failed the test." in page
    assert "Fetch a token" in page
    assert "For safety, enter the secret again." in page
    assert "wr0ng-key" not in page
    credential.refresh_from_db()
    assert credential.secrets() == SECRETS[VIDEOS]
    assert credential.last_error == ""
    assert not AuditEntry.objects.filter(verb="replaced secrets").exists()
    assert Call.objects.filter(credential=credential).exists()


def test_secrets_that_fail_can_replace_the_old_ones_on_request(
    as_owner: Client, cast: Cast, origin_of: OriginOf
) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS))
    answer = send(as_owner, credential, anyway="on", **{"secret-user_key": "later-key"})
    assert "Replaced, though the test failed" in as_owner.get(answer["Location"]).content.decode()
    credential.refresh_from_db()
    assert credential.secrets() == {"app_id": "sandbox-app", "user_key": "later-key"}
    assert credential.last_error
    assert "though the test failed" in AuditEntry.objects.get(verb="replaced secrets").detail


def test_empty_fields_keep_their_secrets(cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS), secrets={"app_id": "sandbox-app", "user_key": "old"})
    verdict, swapped = replace_secrets.replace_secrets(credential, None, {"app_id": "", "user_key": "sandbox-key"})
    assert (verdict.ok, swapped) == (True, True)
    assert credential.secrets() == SECRETS[VIDEOS]


def test_a_complete_other_set_replaces_the_old_one(cast: Cast, origin_of: OriginOf, sandbox: Sandbox) -> None:
    """A key instead of OAuth's three fields, and not beside them."""
    oauth = {"client_id": "sandbox-client", "client_secret": "no", "refresh_token": "no"}
    credential = cast.credential(TABLES, origin_of(TABLES), secrets=oauth)
    _, swapped = replace_secrets.replace_secrets(credential, None, SECRETS[TABLES])
    assert swapped
    assert credential.secrets() == SECRETS[TABLES]


@pytest.mark.parametrize("given", [{}, {"app_id": "a b"}, {"nonsense": "x"}])
def test_invalid_secrets_are_refused(cast: Cast, given: dict[str, str]) -> None:
    credential = cast.credential(VIDEOS)
    with pytest.raises(InvalidError):
        replace_secrets.replace_secrets(credential, None, given, force=True)
    credential.refresh_from_db()
    assert credential.secrets() == SECRETS[VIDEOS]


def test_the_form_shows_what_is_wrong(as_owner: Client, cast: Cast) -> None:
    credential = cast.credential(VIDEOS)
    bad = send(as_owner, credential, **{"secret-app_id": "a b"})
    assert bad.status_code == 422
    assert "visible ASCII" in bad.content.decode()
    assert "Enter what is new" in send(as_owner, credential).content.decode()


def test_a_test_of_new_secrets_stores_nothing(cast: Cast, origin_of: OriginOf) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS))
    assert replace_secrets.check_secrets(credential, SECRETS[VIDEOS]).ok
    assert not replace_secrets.check_secrets(credential, {"app_id": "x", "user_key": "y"}).ok
    before = credential.encrypted_secrets
    credential.refresh_from_db()
    assert (credential.encrypted_secrets, credential.encrypted_grant, credential.checked_at) == (before, "", None)


def test_a_test_of_new_secrets_redacts_them(cast: Cast) -> None:
    assert "hush" not in repr(replace_secrets.CandidateSecrets({"token": "hush"}))


@pytest.mark.usefixtures("noon")
def test_the_dependents_of_a_credential_are_shown(as_owner: Client, as_member: Client, cast: Cast) -> None:
    good = factories.succeeded_export(cast)
    factories.processing_export(cast, format_="xlsx")
    credential = good.project.credential
    page = as_owner.get(f"{TEAM}credentials/{credential.pk}/").content.decode()
    assert "Used by 1 project; 1 running export continues." in page
    assert "In use by 1 project. Archive it first." in page
    theirs = as_member.get(f"{TEAM}credentials/{credential.pk}/").content.decode()
    assert "Replace secret" not in theirs
    assert "Pause or delete" not in theirs


def test_the_number_of_queries_does_not_grow_with_credentials(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        credential = cast.credential(TABLES, name=f"c{number}")
        factories.succeeded_export(cast, project=cast.project(TABLES, credential=credential), name=f"{number}.csv")
    with django_assert_max_num_queries(4):
        as_owner.get(f"{TEAM}credentials/")
    with django_assert_max_num_queries(9):
        as_owner.get(f"{TEAM}credentials/{credential.pk}/")

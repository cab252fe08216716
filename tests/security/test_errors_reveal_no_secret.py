"""Internal errors while secrets are in memory reveal them neither in a page nor in the log nor in an answer."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.test import Client
from django.urls import reverse
from django.views.debug import ExceptionReporter
from pytest_django.fixtures import Settings

from exports.models import Credential, Token
from exports.people import invitations
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from exports.transport.client import Client as Caller
from tests.helpers import secret_search
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_next_step, request_export
from tests.helpers.secret_search import MarkedSecrets, find_secrets

OriginOf = Callable[[str], str]


@pytest.fixture
def credential(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> Any:
    with secret_search.mark_secrets(sandbox) as marked:
        yield marked, cast.credential(TABLES, origin_of(TABLES), secrets=marked.of(TABLES, other=True))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls break inside, with the secrets in many frames' variables."""

    def break_off(self: Caller, *given: Any, **more: Any) -> NoReturn:
        secrets = dict(self.secrets)
        whole = {**secrets, "given": given, "more": more}
        raise RuntimeError(f"broken on purpose, with {len(whole)} values at hand")

    monkeypatch.setattr(Caller, "_exchange", break_off)


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_in_a_page_reveals_nothing(
    cast: Cast,
    credential: tuple[MarkedSecrets, Credential],
    broken: None,
    settings: Settings,
    tmp_path: Path,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    marked, row = credential
    client = client_of(cast.owner)
    client.raise_request_exception = False
    new = {f"secret-{name}": value for name, value in marked.of(TABLES, other=True).items()}
    with secret_search.log_to_file(tmp_path / "log"):
        tested = client.post(reverse("web:test-credential", args=[cast.team.slug, row.pk]))
        replaced = client.post(reverse("web:replace-secrets", args=[cast.team.slug, row.pk]), new)
        plain = client.post(
            reverse("web:replace-secrets", args=[cast.team.slug, row.pk]), new, headers={"accept": "*/*"}
        )
    answers = [tested, replaced, plain]
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert debug == (b"break_off" in replaced.content)
    assert "broken on purpose" in (tmp_path / "log").read_text()
    session = client.cookies["session"].value
    assert find_secrets([marked.mark, session], [("answer", answer.content) for answer in answers]) == []
    assert find_secrets([marked.mark, session], secret_search.files(tmp_path)) == []


def test_an_error_in_the_api_reveals_nothing(
    cast: Cast, credential: tuple[MarkedSecrets, Credential], broken: None, tmp_path: Path, settings: Settings
) -> None:
    settings.DEBUG = True
    marked, row = credential
    token = Token.issue(cast.owner)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    with secret_search.log_to_file(tmp_path / "log"):
        answer = client.post(f"/api/v1/credentials/{row.pk}/check", {}, content_type="application/json")
    assert answer.status_code == 500
    assert "broken on purpose" in (tmp_path / "log").read_text()
    assert find_secrets([marked.mark], [("answer", answer.content), *secret_search.files(tmp_path)]) == []


def test_an_error_in_a_step_reveals_nothing(
    cast: Cast, credential: tuple[MarkedSecrets, Credential], broken: None, tmp_path: Path
) -> None:
    marked, row = credential
    export = request_export(cast.project(TABLES, credential=row), cast.member, "orders")
    with secret_search.log_to_file(tmp_path / "log"):
        run_step(claim_next_step(export))
    assert "broken on purpose" in (tmp_path / "log").read_text()
    assert find_secrets([marked.mark], [*secret_search.files(tmp_path), *secret_search.database_rows()]) == []


def test_secret_urls_are_not_logged(cast: Cast, tmp_path: Path, client: Client) -> None:
    _, link = invitations.create_invitation(cast.team, cast.owner.user, "viewer", "")
    with secret_search.log_to_file(tmp_path / "log"):
        assert client.get(f"/invitations/{link}x/").status_code == 404
        assert client.get(f"/invitations/{link}").status_code == 301
        assert client.delete(f"/hooks/7/{link}/more").status_code < 500
    assert "/invitations/***/" in (tmp_path / "log").read_text()
    assert find_secrets([link], secret_search.files(tmp_path)) == []


@pytest.mark.parametrize(
    "address",
    [
        "/forgotten/1-set/{}/",
        "/forgotten/1/{}",
        "/profile/address/{}/",
        "/invitations/x/?mailed={}",
        "/?a=1&mailed={}&b",
    ],
)
def test_the_secret_part_of_a_mailed_link_is_masked(address: str, tmp_path: Path) -> None:
    key = "d1k9h2-9f8e7d6c5b4a"
    with secret_search.log_to_file(tmp_path / "log"):
        logging.getLogger("django.request").warning("Not Found: %s", address.format(key))
    assert "***" in (tmp_path / "log").read_text()
    assert find_secrets([key], secret_search.files(tmp_path)) == []


def test_an_error_page_shows_only_the_types_of_variables(rf: Any, settings: Settings) -> None:
    # Not in one word: the page shows these very lines too.
    words = [f"{what}-to-hide" for what in ("password", "typed", "cookie")]
    settings.CELERY_BROKER_URL = f"redis://user:{words[0]}@host/0"
    request = rf.post("/", {"password": words[1]}, headers={"cookie": f"session={words[2]}; csrf={words[2]}"})
    try:
        number, text = 12345, "a-text-in-a-variable"
        raise RuntimeError(f"{number} and {len(text)}")
    except RuntimeError as error:
        reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
    for report in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert find_secrets(words, [("report", report.encode())]) == []
    variables = reporter.get_traceback_frames()[-1]["vars"]
    assert ("number", 12345) in variables
    assert ("text", "(str)") in variables

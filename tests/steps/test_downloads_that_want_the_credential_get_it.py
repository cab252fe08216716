"""A download that wants the credential: renewed once, refused as the credential's, never sent to another host."""

import time
from collections.abc import Callable

import pytest

from exports import states
from exports.credentials.client import build_client
from exports.models import Call, Credential, Export, RateWindow
from exports.providers.contract import DOWNLOAD, Provider
from exports.providers.registry import PROVIDERS
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from exports.transport.client import CallRecord, Client
from exports.transport.provider_api import Grant
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.run_exports import request_export, run_to_end

PROVIDER = next(slug for slug, one in PROVIDERS.items() if any(kind.authorised_download for kind in one.kinds))
Run = Callable[..., Export]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Without limits, since a download may cost a minute by them."""
    monkeypatch.setattr(type(PROVIDERS[PROVIDER]), "limits", {})
    return PROVIDERS[PROVIDER]


@pytest.fixture
def ended(cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]) -> Run:
    def run_project(fault_number: int = 0) -> Export:
        id_ = DECLARATIONS[PROVIDER].fault_project(fault_number) if fault_number else PROJECTS[PROVIDER]
        export = run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER), id_), cast.member, "archive"))
        assert sandbox.ledger()["credential_leaks"] == []
        return export

    return run_project


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (51, "bad_file"),  # truncated every time
        (52, "bad_file"),  # shorter, with a matching length
        (53, ""),  # cut once, resumed
        (58, ""),  # the first link is dead
        (60, "bad_file"),  # a page
        (62, "address"),  # leads to a private address
        (66, ""),  # a gzip in a gzip
        (71, ""),  # leads to a storage outside the API
        (72, "credential"),  # 401
    ],
)
def test_each_fault_of_a_download_ends_as_it_should(ended: Run, number: int, code: str) -> None:
    export = ended(number)
    assert (export.status, export.error_code) == (states.FAILED if code else states.SUCCEEDED, code)


@pytest.mark.usefixtures("provider")
def test_a_renewable_token_is_renewed_once(ended: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    renewals: list[str] = []

    def build_with_token(credential: Credential, record: Callable[[CallRecord], None]) -> Client:
        client = build_client(credential, record)
        client.grant = Grant("a-short-lived-token", time.time() + 3600)
        return client

    monkeypatch.setattr("exports.steps.file_source.build_client", build_with_token)
    monkeypatch.setattr(Client, "forget_token", lambda client: renewals.append(client.origin))
    rule = sandbox.fault(provider=PROVIDER, project=PROJECTS[PROVIDER], on="file", fault="status", status=401, times=1)
    assert ended().status == states.SUCCEEDED
    assert (sandbox.fired(rule), len(renewals)) == (1, 1)


def test_downloads_count_in_their_own_class(ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PROVIDERS[PROVIDER]), "limits", {DOWNLOAD: (5, 60.0)})
    export = ended()
    assert export.status == states.SUCCEEDED
    assert RateWindow.objects.get(rate_class=DOWNLOAD).credential == export.project.credential


@pytest.mark.usefixtures("provider")
def test_the_file_keeps_its_whole_name(ended: Run) -> None:
    export = ended()
    assert export.file is not None
    assert export.file.name.endswith(f"-archive-{export.pk}.tar.gz")
    assert export.file.content_type == "application/gzip"
    assert export.file.path.endswith(".tar.gz")
    assert export.file.unchecked == ""
    assert all("sandbox-token" not in call.url + call.error for call in Call.objects.filter(export=export))

"""No secret is anywhere but sealed: marked ones are planted, everything goes wrong, and all that was written is read.

Here the providers repeat what they were sent wherever they can. The same hunt follows the complete run of the
stand-ins' faults (tests/steps/test_every_sandbox_fault_ends_as_expected.py).
"""

import base64
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as portal_settings
from django.contrib.sessions.models import Session
from django.core import mail
from pytest_django.fixtures import Settings

from exports import clock
from exports.credentials import service
from exports.models import Alert, Call, Change, Credential, Export, OutboxMessage, Project, RateLimitPause, Token
from exports.people import invitations
from exports.queue import inbound_webhooks
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from tests.helpers import crawl, factories, secret_search
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import make_due, request_export
from tests.helpers.secret_search import MarkedSecrets
from tests.helpers.stub_server import Reply, run_stub_server
from tests.helpers.worker import running_worker

OriginOf = Callable[[str], str]
Capture = pytest.CaptureFixture[str]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
KINDS = {
    ARCHIVES: "archive",
    VIDEOS: "video",
    CHANGING: "archive",
    TABLES: "orders",
    f"{TABLES} by OAuth": "orders",
}
GOOD = {**PROJECTS, f"{TABLES} by OAuth": "4002"}
# Numbers of fault projects that end well: 5xx, a 429, cut, half and garbled answers, files that come in pieces.
FAULTY = (5, 6, 12, 14, 17, 20, 27, 32, 53, 55, 56, 57, 65, 66, 68, 70)


@pytest.fixture
def marked(sandbox: Sandbox, settings: Settings) -> Iterator[MarkedSecrets]:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    sandbox.settings(rotate_refresh=True)
    with secret_search.mark_secrets(sandbox) as one:
        yield one
    sandbox.settings(rotate_refresh=False)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "everything.log"
    with secret_search.log_to_file(path):
        yield path


def echoes(secrets: dict[str, str]) -> list[dict[str, Any]]:
    """What a provider may say that repeats a secret: fields of a fault."""
    secret = max(secrets.values(), key=len)
    said = {"message": f"bad token {secret}", "error": f"token {secret}", "detail": secret}
    cut = {"message": f"{'x' * 286} {secret}", "error": f"{'x' * 286} {secret}"}
    elsewhere = {"Location": f"http://127.0.0.1:9/?token={secret}"}
    return [
        {"on": "submit", "fault": "status", "status": 400, "body": said},
        {"on": "poll", "fault": "status", "status": 500, "body": said, "times": 2},
        {"on": "poll", "fault": "status", "status": 403, "body": cut},
        {"on": "poll", "fault": "unknown_word", "word": secret, "times": 3},
        {"on": "poll", "fault": "429", "body": said, "times": 1},
        {"on": "poll", "fault": "status", "status": 302, "headers": elsewhere},
        {"on": "submit", "fault": "status", "status": 302, "headers": elsewhere, "times": 1},
        {"on": "list", "fault": "status", "status": 409, "body": said},
    ]


def every_export(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, marked: MarkedSecrets) -> list[Export]:
    """An export for each way in which each provider may repeat a secret, in projects that have faults of their own."""
    exports = []
    for name, type_ in KINDS.items():
        provider, _, oauth = name.partition(" ")
        secrets = marked.of(provider, other=bool(oauth))
        numbers = [DECLARATIONS[provider].fault_project(number) for number in FAULTY[8 if oauth else 0 :]]
        credential: Credential | None = None
        for remote_id, fault in zip([GOOD[name], *numbers], [None, *echoes(secrets)], strict=False):
            # Of its own, so that nobody waits for another's turn within a limit; but a refresh token has one owner.
            if credential is None or not oauth:
                called = f"{name} {remote_id}"
                credential = cast.credential(provider, origin_of(provider), name=called, secrets=secrets)
            project = cast.project(provider, remote_id=remote_id, credential=credential)
            if fault is not None:
                sandbox.fault(provider=provider, project=project.remote_id, **fault)
            exports.append(request_export(project, cast.member, type_))
    return exports


def run() -> None:
    """Takes steps, without the waiting, until every export has ended."""
    begun = time.monotonic()
    while Export.objects.open().exists():
        left = list(Export.objects.open().values_list("project__remote_id", "step", "wait_note", "provider_status"))
        assert time.monotonic() < begun + 60, left
        RateLimitPause.objects.update(until=clock.now())
        make_due()
        time.sleep(0.1)


@contextmanager
def alerts_that_fail(cast: Cast, settings: Settings, marked: MarkedSecrets) -> Iterator[None]:
    """An alert of each service at addresses with a secret, which their services repeat in what they refuse."""
    path = f"{marked.mark}-hook"
    with run_stub_server() as chat:
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, chat.host)
        chat.on(f"POST /{path}", Reply(500, {"error": f"no hook {path} at {chat.origin}/{path}"}))
        chat.on("POST /", Reply(403, f"wrong auth {path}", {"X-Echo": path}))
        for kind in ("slack", "teams", "discord"):
            factories.alert(cast, kind, f"{chat.origin}/{path}")
        factories.alert(cast, "ntfy", f"{chat.origin}/topic?auth={path}")
        # Nothing listens there, and it is no public address.
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, "127.0.0.1:9")
        factories.alert(cast, "slack", f"http://127.0.0.1:9/{path}")
        yield


def wait_for_alerts() -> None:
    """Waits until each alert has failed."""
    ends = time.monotonic() + 30
    while Alert.objects.filter(failing_since=None).exists():
        assert time.monotonic() < ends, list(OutboxMessage.objects.filter(kind="alert").values("alert", "last_error"))
        time.sleep(0.1)


def needles(sandbox: Sandbox, marked: MarkedSecrets, exports: list[Export]) -> list[str]:
    """What must not be found anywhere: what was planted, what was handed out, and the marks of webhook addresses."""
    handed_out = list(sandbox.state.services[VIDEOS]._tokens)  # type: ignore[attr-defined]
    assert handed_out
    return [marked.mark, *handed_out, *(inbound_webhooks.url_signature(export.pk) for export in exports[:12])]


@pytest.mark.slow(seconds=20)
def test_no_secret_is_found_after_errors_of_every_kind(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: OriginOf,
    marked: MarkedSecrets,
    log: Path,
    tmp_path: Path,
    capfd: Capture,
    settings: Settings,
) -> None:
    exports = every_export(cast, sandbox, origin_of, marked)
    with alerts_that_fail(cast, settings, marked), running_worker(8):
        run()
        wait_for_alerts()
    for export in exports:
        export.refresh_from_db()
    assert {export.error_code for export in exports} == {"", "rejected", "credential", "address", "unconfirmed"}
    assert Call.objects.filter(status=302).exists()
    _, invited = invitations.create_invitation(cast.team, cast.owner.user, "viewer", "guest@example.org")
    for credential in Credential.objects.filter(name__endswith=GOOD[f"{TABLES} by OAuth"]):
        assert service.check_credential(credential).ok
        assert credential.secrets()["refresh_token"] != marked.of(TABLES, other=True)["refresh_token"], "not renewed"
    seen = list(crawl.crawl_everything(cast, exports, Token.issue(cast.member)))
    assert len(seen) > 200

    everything = [
        *seen,
        *secret_search.everything_written(tmp_path),
        *secret_search.sent_mails(apart_from="guest@example.org"),
    ]
    out, err = capfd.readouterr()
    everything += [("standard output", out.encode()), ("standard error", err.encode())]
    assert "Not Found" in log.read_text()  # it was written to, and it is in the folder that is searched
    assert secret_search.find_secrets([*needles(sandbox, marked, exports), invited], everything) == []
    sessions = list(Session.objects.values_list("session_key", flat=True))
    # Django keeps these in the clear, in this one table; a line of a log or page must not have them.
    places = [(where, text) for where, text in everything if "django_session" not in where and ".sqlite3" not in where]
    assert sessions
    assert secret_search.find_secrets(sessions, places) == []


LEAKS: dict[str, Callable[[Export, str], Any]] = {
    "everything.log": lambda export, secret: logging.getLogger("exports").info("Sent %s.", secret),
    "everything.log (in Base64)": lambda export, secret: logging.debug(base64.b64encode(f"ab:{secret}".encode())),
    "everything.log (an error)": lambda export, secret: logging.exception("It broke.", exc_info=KeyError(secret)),
    "table exports_change": lambda export, secret: Change.append(export, export.status, source="poll", note=secret),
    "table exports_call": lambda export, secret: Call.objects.create(
        export=export, at=clock.now(), method="GET", url=f"https://x.example/?t={quote(secret)}", seconds=0.1
    ),
    "/calls": lambda export, secret: Call.objects.create(
        export=export, at=clock.now(), method="GET", url="https://x.example", error=secret[::-1], seconds=0.1
    ),
    "GET /api/v1/exports/": lambda export, secret: Export.objects.filter(pk=export.pk).update(messages=[secret]),
    "GET /admin/exports/export/": lambda export, secret: Export.objects.filter(pk=export.pk).update(
        options={"a": secret}
    ),
    "repr of Project": lambda export, secret: Project.objects.filter(pk=export.project_id).update(name=secret),
    "part": lambda export, secret: (portal_settings.DATA_DIR / "part").write_text(secret.encode().hex()),
    "mail": lambda export, secret: mail.send_mail("About", f"Your token: {secret}", None, ["a@example.org"]),
}


@pytest.mark.slow(seconds=13)
def test_a_planted_leak_is_found(cast: Cast, log: Path, tmp_path: Path) -> None:
    export = factories.failed_export(cast)
    token = Token.issue(cast.member)
    planted = {place: f"leak-{number}/{secrets.token_hex(8)}" for number, place in enumerate(LEAKS)}
    for place, leak in LEAKS.items():
        leak(export, planted[place])
    seen = list(crawl.crawl_everything(cast, [Export.objects.get(pk=export.pk)], token))
    everything = [*seen, *secret_search.everything_written(tmp_path), *secret_search.sent_mails()]
    found = {place: secret_search.find_secrets([secret], everything) for place, secret in planted.items()}
    missed = [place for place, there in found.items() if not any(place.partition(" (")[0] in one for one in there)]
    assert not missed, found

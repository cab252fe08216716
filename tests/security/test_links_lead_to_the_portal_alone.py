"""Without a PUBLIC_URL links begin with the address that the portal listens on, whatever a request says of it."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core import mail
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from exports.models import Export, Token
from exports.notify import page_urls
from exports.portal_url import portal_url
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.prepared_portal import OWNER

# What a stranger's request may say: a port of their own, and headers that gunicorn would believe by default.
LIES = {
    "Host": "localhost:6666",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.example.org",
    "X-Forwarded-Port": "6666",
    "Forwarded": "for=127.0.0.1;host=evil.example.org;proto=https",
}
CONFIG = "python:exports.supervisor.gunicorn_config"


@pytest.fixture(params=[(), ("--config", CONFIG)], ids=["gunicorn alone", "gunicorn with the portal's settings"])
def portal(request: pytest.FixtureRequest, tmp_path: Path, prepared: Path) -> Iterator[Installation]:
    """A web process without a PUBLIC_URL, on a real socket."""
    with installation(tmp_path, "", prepared) as started:
        bind = ("-b", f"127.0.0.1:{started.port}", "--threads", "4", *request.param)
        started.start("gunicorn", "--no-control-socket", *bind, "portal.wsgi")
        wait_for(started._answers, 60, "the web process")
        yield started


def mailed_link(portal: Installation) -> str:
    folder = portal.folder / "var" / "mail"
    wait_for(lambda: any(folder.glob("*.log")), 20, "a mail")
    text = "".join(path.read_text() for path in folder.iterdir()).replace("=\n", "")
    found = re.search(r"https?://\S+/forgotten/", text)
    assert found, text
    return found[0]


@pytest.mark.slow(seconds=8)
def test_a_password_reset_mail_ignores_host_port_and_scheme_of_the_request(portal: Installation) -> None:
    base = f"http://127.0.0.1:{portal.port}"
    email = f'import exports.models as m; m.User.objects.filter(email="{OWNER}").update(email_confirmed=True)'
    assert portal.manage("shell", "-c", email).returncode == 0
    session = requests.Session()
    form = session.get(f"{base}/forgotten/", headers={"Host": LIES["Host"]}, timeout=20)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    # Whoever believed that it was https would take this for a form of another site.
    told = {**LIES, "Origin": "http://localhost:6666"}
    cookies = {name: value for name, value in session.cookies.items() if value}
    data = {"email": OWNER, "csrfmiddlewaretoken": token[1]}
    sent = requests.post(f"{base}/forgotten/", data, headers=told, cookies=cookies, timeout=20, allow_redirects=False)
    assert sent.status_code == 302, sent.text
    assert mailed_link(portal) == f"{base}/forgotten/"


def test_links_of_the_api_begin_with_the_listening_address(cast: Cast, settings: Settings) -> None:
    export = factories.succeeded_export(cast)
    assert api_url(cast, export) == f"http://testserver/api/v1/exports/{export.pk}/file"
    settings.LISTENING_URL = "http://127.0.0.1:8000"
    assert api_url(cast, export) == f"http://127.0.0.1:8000/api/v1/exports/{export.pk}/file"
    assert page_urls.export_url(export) == f"http://127.0.0.1:8000/t/the-team/exports/{export.pk}/"
    settings.PUBLIC_URL = "https://portal.example.org"
    assert api_url(cast, export).startswith("https://portal.example.org/")
    assert page_urls.export_url(export).startswith("https://portal.example.org/")


def api_url(cast: Cast, export: Export) -> str:
    token = Token.issue(cast.member)
    headers = {"Authorization": f"Bearer {token}", **{name: LIES[name] for name in LIES if name != "Host"}}
    found = Client(headers=headers).get(f"/api/v1/exports/{export.pk}", HTTP_HOST=LIES["Host"])
    return str(found.json()["url"])


def test_invitations_and_confirmations_begin_with_the_listening_address(cast: Cast, settings: Settings) -> None:
    settings.LISTENING_URL = "http://127.0.0.1:8000"
    client = client_of(cast.owner)
    invited = client.post(
        "/t/the-team/members/invite", {"role": "viewer", "email": "new@example.org"}, HTTP_HOST="localhost:9"
    )
    assert "http://127.0.0.1:8000/invitations/" in invited.content.decode()
    assert "http://127.0.0.1:8000/invitations/" in str(mail.outbox[-1].body)
    cast.owner.user.email_confirmed = False
    cast.owner.user.save()
    client.post("/profile/address", HTTP_HOST="localhost:9")
    assert "http://127.0.0.1:8000/profile/address/" in str(mail.outbox[-1].body)


class UnixSocket:
    """Where gunicorn takes the server's name from the Host header."""

    family = socket.AF_UNIX


def test_behind_a_unix_socket_the_host_header_is_not_believed_either(rf: RequestFactory) -> None:
    request = rf.get("/", SERVER_NAME="evil.example.org", SERVER_PORT="6666")
    request.META["gunicorn.socket"] = UnixSocket()
    assert portal_url(request) == "http://localhost"
    assert portal_url() == ""


def test_an_ipv6_address_is_written_in_brackets(rf: RequestFactory) -> None:
    assert portal_url(rf.get("/", SERVER_NAME="::1", SERVER_PORT="8000")) == "http://[::1]:8000"

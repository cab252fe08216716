"""EXTRA_CA_FILE and EGRESS_PROXY are read at the start or refused with a sentence, and every connection heeds them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from exports.credentials.client import address_guard
from exports.transport.egress_proxy import EgressProxy
from exports.transport.errors import NotSentError
from exports.transport.open_url import open_url
from exports.web.account.openid import OpenIDAdapter
from portal import egress
from tests.helpers import certificates
from tests.helpers.connect_proxy import ConnectProxy, run_connect_proxy
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, environment
from tests.helpers.stub_server import Reply, run_stub_server


@pytest.mark.parametrize(
    "url",
    ["proxy.example.org:3128", "https://proxy.example.org", "socks5://proxy:1080", "http://", "http://p:0", "http://p:x",
     "http://p:3128/path", "http://p:3128?x=1", "http://me:word-of-pass@p:99999", "http://me:word/of-pass@p:3128", "http://p\u00e9"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EGRESS_PROXY", url)
    with pytest.raises(ImproperlyConfigured, match="EGRESS_PROXY cannot be read: give http://host:3128") as caught:
        egress.egress_proxy()
    assert "of-pass" not in str(caught.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "key", "words"])
def test_a_file_without_certificates_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "ca.pem"
    if kind == "folder":
        file.mkdir()
    elif kind == "key":
        _, server = certificates.make_certificates(tmp_path)
        file.write_text(server.read_text().partition("-----BEGIN CERT")[0])
    elif kind != "missing":
        file.write_text("" if kind == "empty" else "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("EXTRA_CA_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match="EXTRA_CA_FILE cannot be read: give the path of a readable PEM"):
        egress.extra_ca_file()


def test_nothing_set_is_the_direct_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EGRESS_PROXY", "EXTRA_CA_FILE"):
        monkeypatch.setenv(name, " ")
    assert (egress.egress_proxy(), egress.extra_ca_file()) == (None, "")


def test_an_authority_of_the_companys_own_is_trusted_beside_the_usual_ones_through_a_proxy(
    settings: Settings, tmp_path: Path
) -> None:
    authority, own = certificates.make_certificates(tmp_path)
    with run_stub_server(own) as host, run_connect_proxy(ConnectProxy("me:word-of-pass")) as proxy:
        host.on("GET /file", Reply(body=b"the file"))
        settings.PRIVATE_HOSTS = (host.host,)
        settings.EGRESS_PROXY = EgressProxy.parse(proxy.url)
        link = f"{host.origin}/file"
        with (
            pytest.raises(NotSentError, match="its certificate does not hold"),
            open_url(link, address_guard(), {}, lambda call: None),
        ):
            pass
        assert host.requests == []
        settings.EXTRA_CA_FILE = str(authority)
        with open_url(link, address_guard(), {}, lambda call: None) as opened:
            assert b"".join(opened.chunks(99)) == b"the file"
        # allauth's calls to an OpenID Connect provider go the same way.
        assert OpenIDAdapter().get_requests_session().get(link, timeout=10).content == b"the file"
    assert proxy.targets == [host.host] * 3


def doctor(data: Path, **variables: str) -> tuple[str, str]:
    """What doctor prints of the way out, and on standard error."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "doctor"],
        env=environment(DATA_DIR=str(data), **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return next((line for line in ended.stdout.splitlines() if " egress " in line), ""), ended.stderr


@pytest.mark.slow(seconds=6)
def test_doctor_shows_the_way_out_and_no_password(tmp_path: Path, prepared: Path) -> None:
    copy_prepared(prepared, tmp_path / "data")
    authority, _ = certificates.make_certificates(tmp_path)
    assert doctor(tmp_path / "data")[0].split() == ["ok", "egress", "directly"]
    with run_connect_proxy(ConnectProxy()) as proxy:
        url = f"http://me:word-of-pass@{proxy.host}"
        line, _ = doctor(tmp_path / "data", EGRESS_PROXY=url, EXTRA_CA_FILE=os.path.relpath(authority, ROOT))
    assert line.startswith("ok ")
    assert line.endswith(f"through {proxy.host}, also trusting {authority}")
    line, _ = doctor(tmp_path / "data", EGRESS_PROXY=url)
    assert line.startswith("FAIL")
    assert "EGRESS_PROXY" in line
    assert "word-of-pass" not in line
    line, error = doctor(tmp_path / "data", EGRESS_PROXY="http://me:word-of-pass@:3128")
    assert (line, "EGRESS_PROXY cannot be read" in error, "word-of-pass" in error) == ("", True, False)

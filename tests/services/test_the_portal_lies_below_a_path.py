"""A portal at /company/exports/ of a host that has other things too: through nginx all links stay below that path."""

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.installation import installation
from tests.helpers.nginx import nginx
from tests.helpers.prepared_portal import OWNER
from tests.helpers.roles import TABLES
from tests.helpers.stub_server import free_port

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=20), pytest.mark.timeout(240)]

BASE = "/company/exports"
LINK = re.compile(r'(?:href|src|hx-get)="([^"#]+)')
MAX_PAGES = 80


def sign_in(address: str) -> requests.Session:
    browser = requests.Session()
    page = browser.get(f"{address}/", timeout=30)
    assert urlsplit(page.url).path == f"{BASE}/sign-in/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    form = {"username": OWNER, "password": "a long enough one", "csrfmiddlewaretoken": token[1]}
    page = browser.post(page.url, form, timeout=30)
    assert urlsplit(page.url).path == f"{BASE}/t/real-team/"
    return browser


def test_every_page_is_reached_below_the_path(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}{BASE}"
    private = f"127.0.0.1:{own_sandbox.port}"
    with installation(tmp_path, private, prepared, PUBLIC_URL=f"{address}/") as portal:
        portal.start_web()
        with nginx(tmp_path, portal.port, portal.folder / "var", base_path=BASE, port=port):
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).status_code == 404, "others' part of the host"
            assert requests.get(f"{address}/healthz", timeout=30).status_code == 200
            browser = sign_in(address)
            assert {cookie.path for cookie in browser.cookies} == {f"{BASE}/"}
            waiting, seen = [f"{address}/t/real-team/", f"{address}/api/docs"], set[str]()
            while waiting and len(seen) < MAX_PAGES:
                page = waiting.pop(0)
                if page in seen:
                    continue
                seen.add(page)
                answer = browser.get(page, timeout=30)
                assert answer.status_code == 200, page
                assert urlsplit(answer.url).path.startswith(f"{BASE}/"), page
                if answer.headers["Content-Type"].startswith("text/html"):
                    links = {urljoin(answer.url, link) for link in LINK.findall(answer.text)}
                    here = [link for link in links if urlsplit(link).netloc == f"127.0.0.1:{port}"]
                    assert all(urlsplit(link).path.startswith(f"{BASE}/") for link in here), page
                    waiting += [link for link in sorted(here) if "sign-out" not in link]
            assert len(seen) > 40
            document = browser.get(f"{address}/api/v1/openapi.json", timeout=30).json()
            assert all(path.startswith(f"{BASE}/api/v1/") for path in document["paths"])
            project = portal.project(TABLES, own_sandbox.origin(TABLES), "4001")
            export = portal.export(portal.ask(project, "orders"))
            assert export["project_id"] == project

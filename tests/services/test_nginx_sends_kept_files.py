"""With X_ACCEL_LOCATION nginx sends the files that the portal allows, with the portal's headers and receipts."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation
from tests.helpers.nginx import nginx
from tests.services.test_slow_clients_hold_up_nobody import keep_large_file

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=20), pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Front:
    """A portal behind nginx, with one kept file."""

    portal: Installation
    address: str
    number: int

    def get(self, **headers: str) -> requests.Response:
        """Asks for the file through nginx."""
        return self.ask("GET", **headers)

    def ask(self, method: str, **headers: str) -> requests.Response:
        """The same with another method."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("Authorization", f"Bearer {self.portal.token}")
        path = f"{self.address}/api/v1/exports/{self.number}/file"
        return requests.request(method, path, headers=given, timeout=60)

    def receipts(self) -> int:
        """How many downloads are recorded."""
        script = "from exports.models import Download; print(Download.objects.count())"
        return int(self.portal.manage("shell", "-v", "0", "-c", script).stdout.split()[-1])


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    with Sandbox(time_scale=0.02, limits="off") as sandbox:
        private = f"127.0.0.1:{sandbox.port}"
        with installation(folder, private, prepared, X_ACCEL_LOCATION="/kept/") as portal:
            portal.start_web()
            number = keep_large_file(portal, sandbox, name="a name; with % and “ü”.zip")
            with nginx(folder, portal.port, portal.folder / "var") as address:
                yield Front(portal, address, number)


@pytest.fixture(scope="module")
def whole(front: Front) -> requests.Response:
    return front.get()


def test_the_whole_file_comes_with_the_portals_headers(front: Front, whole: requests.Response) -> None:
    file = front.portal.export(front.number)["file"]
    assert whole.status_code == 200
    assert hashlib.sha256(whole.content).hexdigest() == file["sha256"]
    assert whole.headers["ETag"] == f'"{file["sha256"]}"'
    assert whole.headers["Content-Type"] == file["content_type"]
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=")
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Cache-Control"] == "private, no-cache"
    assert whole.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Server"].startswith("nginx")
    assert "X-Accel-Redirect" not in whole.headers


def test_it_is_nginx_that_sends_it(front: Front) -> None:
    """The portal's own answer has no bytes of the file."""
    direct = front.portal.api("GET", f"/exports/{front.number}/file")
    assert (direct.status_code, direct.content) == (200, b"")
    assert direct.headers["X-Accel-Redirect"].startswith("/kept/")


def test_ranges_are_sent(front: Front, whole: requests.Response) -> None:
    part = front.get(Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.content)}"
    assert front.get(Range="bytes=-5").content == whole.content[-5:]
    assert front.get(Range=f"bytes={len(whole.content)}-").status_code == 416
    several = front.get(Range="bytes=0-1,5-6")
    assert (several.status_code, len(several.content)) == (200, len(whole.content))


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_a_range_of_another_version_is_the_whole_file(front: Front, whole: requests.Response, validator: str) -> None:
    assert front.get(Range="bytes=0-9", If_Range=whole.headers[validator]).status_code == 206
    other = '"other"' if validator == "ETag" else "Mon, 01 Jan 2024 00:00:00 GMT"
    assert front.get(Range="bytes=0-9", If_Range=other).status_code == 200


def test_conditional_requests_are_answered(front: Front, whole: requests.Response) -> None:
    etag = whole.headers["ETag"]
    assert front.get(If_None_Match=etag).status_code == 304
    assert front.get(If_Modified_Since=whole.headers["Last-Modified"]).status_code == 304
    assert front.get(If_None_Match='"other"').content == whole.content
    assert front.get(If_Match=etag).content == whole.content
    assert front.get(If_Match='"other"').status_code == 412
    assert front.get(If_Unmodified_Since=whole.headers["Last-Modified"]).content == whole.content
    head = front.ask("HEAD")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(whole.content)))


def test_who_may_not_have_it_gets_nothing(front: Front) -> None:
    assert front.get(Authorization="Bearer nothing").status_code == 401
    for guess in ("/kept/", "/kept/1/1/file.zip", "/kept/../portal.sqlite3", "/kept/%2e%2e/secret_key"):
        done = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", f"{front.address}{guess}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout in ("404", "400"), guess


def test_each_download_has_its_receipt(front: Front) -> None:
    before = front.receipts()
    front.get()
    front.get(Range="bytes=0-9")
    front.get(Range="bytes=10-19")  # goes on with what was begun
    front.get(If_None_Match=f'"{front.portal.export(front.number)["file"]["sha256"]}"')
    assert front.receipts() == before + 2

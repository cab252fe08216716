"""nginx in front of a portal, with the locations that docs/operating.md gives."""

import contextlib
import getpass
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import requests

from tests.helpers.processes import ROOT
from tests.helpers.servers import skip_or_fail
from tests.helpers.stub_server import free_port

START_SECONDS: Final = 10
# What the document's example says, for what is in its place here.
DOCUMENTED: Final = {
    "portal": "http://127.0.0.1:8000",
    "files": "/var/lib/export-portal/files/",
}
CONFIGURATION: Final = """
{user}
daemon off;
worker_processes 1;
error_log {folder}/nginx.log;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
{locations}
    }}
}}
"""


def documented_locations() -> str:
    """The nginx example of docs/operating.md."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    return text.partition("```nginx\n")[2].partition("```")[0]


@contextlib.contextmanager
def nginx(folder: Path, portal_port: int, data: Path, *, base_path: str = "", port: int = 0) -> Iterator[str]:
    """An nginx in front of the portal at this port; its own address. Skips or fails the test when it is not installed.

    `data`: the portal's DATA_DIR. `base_path`: it has the portal below this path, and nothing elsewhere.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        skip_or_fail("nginx", FileNotFoundError("nginx"))
        return
    port = port or free_port()
    locations = documented_locations()
    locations = locations.replace(DOCUMENTED["portal"], f"http://127.0.0.1:{portal_port}")
    locations = locations.replace(DOCUMENTED["files"], f"{data}/files/")
    locations = locations.replace("location / {", f"location {base_path}/ {{")
    configuration = folder / "nginx.conf"
    # Kept files are for the portal's own user alone, so nginx must be that user.
    user = f"user {getpass.getuser()};"
    configuration.write_text(CONFIGURATION.format(user=user, folder=folder, port=port, locations=locations))
    log = folder / "nginx-start.log"
    with log.open("wb") as output:
        command = [program, "-p", str(folder), "-c", str(configuration)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + START_SECONDS
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"nginx does not answer: {log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        requests.get(f"{address}/", timeout=5)
        return True
    return False

"""docs/deploy/README.md is followed to the letter in an empty folder, as another user, on free ports."""

import contextlib
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg import sql

from tests.deploy.other_user import as_user, need_root, python_for_others, read_environment, start_unit, started_by
from tests.helpers.documented_blocks import Block, blocks_of, need_programs, run_shell
from tests.helpers.processes import ROOT, wait_until
from tests.helpers.servers import DATABASE, connect_as_admin
from tests.helpers.stub_server import free_port

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=90), pytest.mark.timeout(900)]

PAGE = ROOT / "docs" / "deploy" / "README.md"
BLOCKS = [block for block in blocks_of(PAGE) if "run" in block.attributes]
NODES = ("worker:submit@", "worker:poll@", "worker:fetch@", "beat:")


class Machine:
    """The folder that stands for the root of a machine, and what runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"portal-{secrets.token_hex(4)}"
        self.database = self.name.replace("-", "_")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.redis_port = free_port()
        server = urlsplit(DATABASE)
        login = {"PGHOST": server.hostname, "PGPORT": server.port or 5432, "PGUSER": server.username}
        login |= {"PGPASSWORD": server.password} if server.password else {}
        self.variables = {
            "PORTAL_HOST": "portal.example.org",
            "OWNER": "owner@example.org",
            "SOURCE": str(ROOT),
            "PYTHON": python_for_others(folder),
            "PREFIX": str(folder),
            "PORTAL_USER": self.name,
            "ADMIN": "env " + " ".join(f"{name}={shlex.quote(str(value))}" for name, value in login.items()),
            "DB_HOST": server.hostname or "127.0.0.1",
            "DB_PORT": str(server.port or 5432),
            "DB_NAME": self.database,
            "DB_USER": self.database,
            "BROKER": f"redis://127.0.0.1:{self.redis_port}/0",
            **{name: str(free_port()) for name in ("HTTP_PORT", "HTTPS_PORT", "WEB_PORT_1", "WEB_PORT_2")},
            "NGINX_COMMAND": f"nginx -c {folder}/etc/nginx/nginx.conf",
        }

    def run(self, block: Block) -> str:
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.variables.items())
        done = run_shell(text + block.text, self.folder, {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}, 600)
        assert done.returncode == 0, "\n".join((block.text, done.stdout, done.stderr, self.logs()))
        return done.stdout

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as out:
            self.processes.append(
                subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            )

    def start_target(self) -> None:
        """What `systemctl enable --now export-portal.target` does, without systemd."""
        units = self.folder / "etc" / "systemd" / "system"
        prepare = start_unit(units / "export-portal-prepare.service", "", self.folder / "prepare.log")
        assert prepare.wait(300) == 0, self.logs()
        for unit, instance in started_by(units / "export-portal.target"):
            log = self.folder / f"{unit}{instance}.log"
            self.processes.append(start_unit(units / unit, instance, log))

    def stop_units(self) -> None:
        """Ends what `start_target` started, in order; not Redis, which began, and nginx, which came last."""
        for process in self.processes[1:-1]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes[1:-1]:
            process.wait(60)

    def nodes(self) -> list[str]:
        with connect_as_admin(DATABASE.rpartition("/")[0] + f"/{self.database}") as database:
            return [str(row[0]) for row in database.execute("SELECT name FROM exports_heartbeat").fetchall()]

    def logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in sorted(self.folder.glob("*.log")))

    def destroy(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
        subprocess.run(["pkill", "-KILL", "-u", self.name], check=False)
        with connect_as_admin(DATABASE) as admin, contextlib.suppress(psycopg.Error):
            name = sql.Identifier(self.database)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
        subprocess.run(["userdel", self.name], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def machine() -> Iterator[Machine]:
    need_root()
    need_programs("git", "psql", "redis-server", "nginx", "openssl", "curl")
    if not (ROOT / ".git").exists():
        pytest.skip("This is no clone, so there is nothing to clone from: the page was not followed.")
    connect_as_admin(DATABASE).close()
    folder = Path(tempfile.mkdtemp(prefix="portal-machine-"))
    folder.chmod(0o755)
    one = Machine(folder)
    try:
        yield one
    finally:
        one.destroy()


def assert_the_owner_signs_in(machine: Machine) -> None:
    """As a browser does, through nginx, on the port of the page, with the password that the page made."""
    origin = f"https://{machine.variables['PORTAL_HOST']}:{machine.variables['HTTPS_PORT']}"
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = False
    browser.headers.update({"Host": origin.partition("//")[2], "Origin": origin, "Referer": f"{origin}/sign-in/"})
    address = f"https://127.0.0.1:{machine.variables['HTTPS_PORT']}/sign-in/"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The certificate is the page's own.
        page = browser.get(address, timeout=30)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        password = (machine.folder / "etc" / "export-portal" / "first-password").read_text().strip()
        values = {"csrfmiddlewaretoken": token, "username": machine.variables["OWNER"], "password": password}
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies)
        answer = browser.post(address, data=values, headers={"Cookie": cookies}, allow_redirects=False, timeout=30)
        plain = browser.get(f"http://127.0.0.1:{machine.variables['HTTP_PORT']}/", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/"), answer.text
    assert plain.headers["Location"] == f"{origin}/"


def assert_secrets_are_not_made_twice(machine: Machine, steps: Sequence[Block]) -> None:
    """Whoever types the block again keeps the keys that open what is encrypted."""
    folder = machine.folder / "etc" / "export-portal" / "secrets"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = next(block for block in steps if "credential_keys" in block.text)
    with pytest.raises(AssertionError, match="cannot overwrite existing file"):
        machine.run(again)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_every_block_of_the_page_works_in_order(machine: Machine) -> None:
    declared, packages, *steps = BLOCKS
    names = {word.partition("=")[0] for line in declared.text.splitlines() for word in shlex.split(line)[1:]}
    assert names == set(machine.variables)
    if (lists := Path("/var/lib/apt/lists")).is_dir() and any(lists.glob("*Packages*")):
        simulated = packages.text.replace("apt-get update\n", "").replace("apt-get", "apt-get --simulate")
        machine.run(Block("sh", {}, simulated))
    machine.start(
        "redis", "redis-server", "--port", str(machine.redis_port), "--save", "", "--dir", str(machine.folder)
    )

    printed, on_systemd = (
        "",
        iter(
            (
                machine.start_target,
                lambda: machine.start("nginx", *machine.variables["NGINX_COMMAND"].split(), "-g", "daemon off;"),
            )
        ),
    )
    for block in steps:
        if block.attributes["run"] in ("without-systemd", "stop-without-systemd"):
            continue
        if block.attributes["run"] == "systemd":
            next(on_systemd)()
            continue
        if "doctor" in block.text:
            wait_until(
                lambda: all(any(n.startswith(node) for n in machine.nodes()) for node in NODES), 120, machine.logs
            )
        printed += machine.run(block)
    assert next(on_systemd, None) is None
    assert "FAIL" not in printed
    assert 'portal_queue_readers{queue="portal.fetch"} 1.0' in printed
    assert_the_owner_signs_in(machine)
    assert_secrets_are_not_made_twice(machine, steps)

    code, data = machine.folder / "opt", machine.folder / "var" / "lib" / "export-portal"
    found = subprocess.run(["find", str(code), "-user", machine.name], capture_output=True, text=True, check=True)
    assert found.stdout == ""
    assert list((data / "static").glob("staticfiles.json"))
    settings = read_environment(machine.folder / "etc" / "export-portal" / "portal.env")
    healthy = [
        *as_user(machine.name),
        str(code / "export-portal/.venv/bin/python"),
        str(code / "export-portal/docs/deploy/bin/healthy.py"),
    ]
    for part, code_of_exit in (("submit", 0), ("poll", 0), ("fetch", 0), ("beat", 0), ("nothing", 1)):
        done = subprocess.run([*healthy, part], env=settings, capture_output=True, text=True, check=False)
        assert done.returncode == code_of_exit, (part, done.stderr, machine.nodes())

    machine.stop_units()
    machine.run(next(block for block in steps if block.attributes["run"] == "without-systemd"))
    wait_until(lambda: all(any(n.startswith(node) for n in machine.nodes()) for node in NODES), 120, machine.logs)
    assert machine.run(next(block for block in steps if "doctor" in block.text)).startswith("ok")
    machine.run(next(block for block in steps if block.attributes["run"] == "stop-without-systemd"))
    wait_until(lambda: not machine.nodes(), 60, machine.logs)

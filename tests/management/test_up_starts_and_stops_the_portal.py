"""`manage.py up`, end to end: the real processes, from start to stop."""

import contextlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from manage import main
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, Program, all_ended, environment, wait_until
from tests.helpers.roles import ARCHIVES

pytestmark = [pytest.mark.slow(seconds=12), pytest.mark.timeout(180)]

Up = Callable[..., Program]

ENCRYPT_A_SECRET = f"""
from exports.models import Credential, Team
team = Team.objects.create(name="Team", slug="team")
Credential.objects.create(team=team, provider="{ARCHIVES}", name="one").save_secrets({{"token": "t"}})
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where there is nothing yet."""
    return tmp_path / "data"


@pytest.fixture
def ready_data(prepared: Path, data: Path) -> Path:
    """A data directory as an earlier `up` left it."""
    copy_prepared(prepared, data)
    return data


@pytest.fixture
def up(tmp_path: Path, data: Path, port: int) -> Iterator[Up]:
    """Starts `manage.py up` on its own port and data directory."""
    started: list[Program] = []

    def up(*arguments: str, **variables: str) -> Program:
        given = [] if "--port" in arguments else ["--port", str(port)]
        env = environment(**{"DATA_DIR": str(data), **variables})
        log = tmp_path / f"up{len(started)}.log"
        program = Program(log, str(ROOT / "manage.py"), "up", *given, *arguments, env=env, cwd=tmp_path)
        started.append(program)
        return program

    yield up
    for program in started:
        program.destroy()


def ready(program: Program) -> list[psutil.Process]:
    """Wait until it serves and each of its processes is there; returns them all."""
    program.wait_for("ready: http://", 150)
    wait_until(lambda: len(program.descendants()) >= 4, 20, program.output)
    return program.descendants()


def another(program: Program, words: str, old: psutil.Process) -> bool:
    """Whether there is a process with the words in its command line that is not the old one."""
    with contextlib.suppress(AssertionError, psutil.NoSuchProcess):
        return program.descendant(words) != old
    return False


def status(port: int, path: str = "/healthz") -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=15) as answer:
        return int(answer.status)


@pytest.mark.slow(seconds=30)
def test_it_serves_pages_and_stops_within_ten_seconds_without_leftovers(up: Up, port: int, data: Path) -> None:
    program = up()
    running = ready(program)
    assert "migrations applied" in program.output()
    assert status(port) == 200
    assert program.descendant("gunicorn").environ()["LISTENING_URL"] == f"http://127.0.0.1:{port}"
    assert f"ready: http://127.0.0.1:{port}/\n" in program.output()
    assert status(port, "/static/admin/css/base.css") == 200
    wait_until(partial(beating, data), 60, program.output)
    assert "FAIL" not in manage(data, "doctor")
    began = time.monotonic()
    program.signal(signal.SIGINT)
    assert program.end(12) == 0, program.output()
    assert time.monotonic() - began < 10
    assert all_ended(running)
    assert "Traceback" not in program.output()

    # The second start finds everything done.
    program = up()
    running = ready(program)
    assert "migrations applied" not in program.output()
    program.signal(signal.SIGTERM)
    assert program.end(12) == 0
    assert all_ended(running)


@pytest.mark.usefixtures("ready_data")
def test_a_second_portal_on_the_same_data_directory_is_refused(up: Up) -> None:
    first = up()
    first.wait_for("ready: http://", 150)
    second = up("--port", str(free_port()))
    assert second.end() == 1
    assert second.output().count("\n") == 1
    assert "already runs on the data directory" in second.output()
    assert f"process {first.pid}" in second.output()
    assert first.process.poll() is None


def test_a_taken_port_is_refused_and_a_free_one_is_named(up: Up, port: int, data: Path) -> None:
    with socket.create_server(("127.0.0.1", port)):
        program = up()
        assert program.end() == 3
    assert re.fullmatch(rf"Port {port} is taken: choose another one, for example --port \d+\.\n", program.output())
    assert not (data / "portal.sqlite3").exists()


@pytest.mark.parametrize("argument", ["--port=0", "--port=70000", "--port=http", "--nonsense"])
def test_a_wrong_argument_is_a_usage_error(
    argument: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "up", argument])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert argument.partition("=")[0] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("ready_data")
def test_every_killed_process_is_started_again(up: Up, port: int) -> None:
    program = up()
    ready(program)
    for words in ("celery -A portal --quiet worker", "celery -A portal --quiet beat"):
        old = program.descendant(words)
        old.kill()
        wait_until(partial(another, program, words, old))
    arbiter = program.descendant("gunicorn")
    web = [arbiter, *arbiter.children()]
    assert len(web) == 2
    arbiter.kill()
    wait_until(lambda: all_ended(web))
    # A caller in the meantime waits for the new one instead of being turned away.
    assert status(port) == 200
    web_worker = program.descendant("gunicorn").children()[0]
    web_worker.kill()
    wait_until(lambda: all_ended([web_worker]))
    assert status(port) == 200


@pytest.mark.usefixtures("ready_data")
def test_a_killed_supervisor_leaves_no_process(up: Up, port: int) -> None:
    program = up()
    running = ready(program)
    program.signal(signal.SIGKILL)
    program.end()
    wait_until(lambda: all_ended(running))
    # And nothing is in the way of the next one.
    again = up()
    ready(again)
    assert status(port) == 200


def test_a_database_of_a_newer_version_is_refused_unchanged(up: Up, ready_data: Path) -> None:
    with sqlite3.connect(ready_data / "portal.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('exports', '9999_future', CURRENT_TIMESTAMP)"
        )
    program = up()
    assert program.end(30) == 1
    assert "newer version of the portal (it has exports.9999_future)" in program.output()
    assert "Traceback" not in program.output()


def test_a_broken_database_is_reported_in_one_sentence(up: Up, data: Path) -> None:
    data.mkdir()
    (data / "portal.sqlite3").write_text("no database " * 100)
    program = up()
    assert program.end(30) == 1
    assert "The database cannot be used (file is not a database)" in program.output()
    assert "Traceback" not in program.output()


def test_an_unreachable_database_is_reported_in_one_sentence(up: Up) -> None:
    program = up(DATABASE_URL="postgres://me:secret@127.0.0.1:1/portal")
    assert program.end(30) == 1
    assert "The database cannot be used" in program.output()
    assert "secret" not in program.output()
    assert "Traceback" not in program.output()


def test_a_secret_that_the_keys_cannot_decrypt_stops_the_start(up: Up, ready_data: Path) -> None:
    manage(ready_data, "shell", "-c", ENCRYPT_A_SECRET)
    (ready_data / "credential_keys").write_text("another key altogether\n")
    program = up()
    assert program.end(30) == 1
    assert "CREDENTIAL_KEYS" in program.output()
    assert "Traceback" not in program.output()


def test_the_demo_is_refused_in_production(up: Up) -> None:
    program = up("--demo", PUBLIC_URL="https://portal.example.org", SECRET_KEY="s" * 50, CREDENTIAL_KEYS="k")
    assert program.end() == 1
    assert program.output().startswith("The demo is not for")


@pytest.mark.usefixtures("ready_data")
def test_the_demo_prints_its_sign_in_and_runs_the_stand_ins_on_a_free_port(up: Up) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else has it: taken all the same
            taken.bind(("127.0.0.1", 8100))
            taken.listen()
        program = up("--demo")
        said = program.wait_for("ready: http://", 90)
        wait_until(lambda: "@" in program.output().partition("ready: ")[2], story=program.output)
        sandbox = program.descendant("-m exports.sandbox")
        sandbox_port = int(sandbox.cmdline()[sandbox.cmdline().index("--port") + 1])
        assert sandbox_port != 8100
        assert f"127.0.0.1:{sandbox_port}" in program.descendant("--quiet worker").environ()["PRIVATE_HOSTS"]
        assert answers(sandbox_port)
        # While the stand-ins are restarted their port stays the portal's, so no other program can take it.
        sandbox.kill()
        with socket.socket() as thief, pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", sandbox_port))
        wait_until(lambda: another(program, "-m exports.sandbox", sandbox), 20, program.output)
        assert status(sandbox_port, "/ledger") == 200
    assert "Traceback" not in said


@pytest.mark.usefixtures("ready_data")
def test_a_part_that_cannot_start_ends_it_with_a_sentence_before_it_says_ready(up: Up, data: Path) -> None:
    (data / "stand-ins.json").mkdir()
    program = up("--demo")
    assert program.end(90) == 1
    assert "The portal cannot start: sandbox ended with" in program.output()
    assert "ready:" not in program.output()


@pytest.mark.slow(seconds=30)
@pytest.mark.usefixtures("ready_data")
def test_idle_it_needs_little_memory_and_processor_time(up: Up) -> None:
    program = up()
    ready(program)
    time.sleep(5)
    tree = [psutil.Process(program.pid), *program.descendants()]
    pss = sum(process.memory_full_info().pss for process in tree)
    before = sum(sum(process.cpu_times()[:2]) for process in tree)
    time.sleep(10)
    busy = (sum(sum(process.cpu_times()[:2]) for process in tree) - before) / 10
    assert pss < 350e6, {" ".join(p.cmdline())[:80]: p.memory_full_info().pss // 10**6 for p in tree}
    assert busy < 0.03, busy


def beating(data: Path) -> bool:
    """Whether worker and beat have shown up in the database."""
    with contextlib.closing(sqlite3.connect(data / "portal.sqlite3", timeout=20)) as database:
        names = {name.partition(":")[0] for (name,) in database.execute("SELECT name FROM exports_heartbeat")}
    return names >= {"worker", "beat"}


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def manage(data: Path, *arguments: str) -> str:
    """Run a command to its end and return what it printed."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment(DATA_DIR=str(data)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

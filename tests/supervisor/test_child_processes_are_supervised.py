"""The supervisor, with small programs in place of the portal's processes."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from exports.supervisor import preflight
from exports.supervisor.child import ChildProcess
from exports.supervisor.output import MAX_LINE_BYTES, LineReader
from tests.helpers.processes import Program, all_ended, environment, wait_until

SLEEPER = "import time; print('up'); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {SLEEPER}"

Supervise = Callable[..., Program]


def all_up(program: Program, count: int) -> None:
    """Wait until that many of its processes have said that they are up."""
    wait_until(lambda: program.output().count(" | up") == count, story=program.output)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    started: list[Program] = []

    def supervise(**plan: object) -> Program:
        file = tmp_path / f"plan{len(started)}.json"
        file.write_text(json.dumps(plan))
        log = tmp_path / f"log{len(started)}"
        program = Program(log, "-m", "tests.supervisor.supervise_children", str(file), env=environment())
        started.append(program)
        return program

    yield supervise
    for program in started:
        program.destroy()


def test_each_line_has_the_name_of_its_process(supervise: Supervise) -> None:
    program = supervise(children={"one": SLEEPER, "two": "import sys; sys.stderr.write('error'); sys.stderr.flush()"})
    program.wait_for("one | up")
    program.wait_for("two | error\n")


def test_a_process_that_ends_is_started_again_after_growing_pauses(supervise: Supervise) -> None:
    program = supervise(children={"calm": SLEEPER, "bad": "raise SystemExit(7)"})
    said = program.wait_for("starting again in 1.6 s")
    assert re.findall(r"bad \| ended with 7; starting again in (.*) s", said) == ["0.2", "0.4", "0.8", "1.6"]
    assert "calm | ended" not in said


def test_what_cannot_be_started_ends_the_start_with_a_sentence_and_an_exit_code(supervise: Supervise) -> None:
    program = supervise(children={"calm": SLEEPER, "bad": "raise SystemExit(7)"}, starting=True)
    assert program.end(30) == 1
    assert "The portal cannot start: bad ended with 7 again and again; its lines above say why.\n" in program.output()
    assert program.output().count("starting again") == 4


def test_the_pause_is_at_most_five_seconds_and_is_reset_after_a_stable_time() -> None:
    child = ChildProcess("child", [], {})
    assert [child.next_restart_pause(now=1.0) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert child.next_restart_pause(now=60.0) == 0.2


def test_the_descendants_of_a_dead_process_are_ended_before_it_is_started_again(supervise: Supervise) -> None:
    program = supervise(children={"web": PARENT})
    all_up(program, 2)
    old = program.descendants()
    assert len(old) == 2
    program.descendant("Popen").send_signal(signal.SIGKILL)
    said = program.wait_for("killed by SIGKILL; starting again in 0.2 s")
    wait_until(lambda: program.output().count("web | up") > said.count("web | up"))
    assert all_ended(old)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_processes_and_the_exit_code_is_zero(supervise: Supervise, number: signal.Signals) -> None:
    program = supervise(children={"one": SLEEPER, "two": PARENT})
    all_up(program, 3)
    running = program.descendants()
    program.signal(number)
    assert program.end() == 0, program.output()
    assert all_ended(running)


def test_under_nohup_a_hangup_ends_nothing(supervise: Supervise) -> None:
    program = supervise(nohup=True, children={"one": SLEEPER})
    program.wait_for("one | up")
    program.signal(signal.SIGHUP)
    program.signal(signal.SIGTERM)
    assert program.end() == 0, program.output()
    assert "SIGHUP" not in program.output()
    assert "Stopping (SIGTERM)" in program.output()


def test_output_during_the_stop_is_not_lost(supervise: Supervise) -> None:
    polite = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('farewell')); {SLEEPER}"
    program = supervise(children={"one": polite})
    program.wait_for("one | up")
    program.signal(signal.SIGTERM)
    assert program.end() == 0
    assert "one | farewell" in program.output()


def test_a_process_that_does_not_stop_is_killed_after_the_grace_period(supervise: Supervise) -> None:
    program = supervise(grace=1.0, children={"one": STUBBORN})
    program.wait_for("one | up")
    running = program.descendants()
    began = time.monotonic()
    program.signal(signal.SIGTERM)
    assert program.end() == 0
    assert time.monotonic() - began > 0.9
    assert all_ended(running)


def test_a_second_signal_kills_at_once(supervise: Supervise) -> None:
    program = supervise(grace=60.0, children={"one": STUBBORN})
    program.wait_for("one | up")
    program.signal(signal.SIGINT)
    program.wait_for("once more kills at once")
    program.signal(signal.SIGINT)
    assert program.end() == 0


def test_a_process_that_waits_for_its_restart_is_not_started_after_the_signal(supervise: Supervise) -> None:
    program = supervise(children={"bad": "print('up')", "calm": SLEEPER})
    program.wait_for("starting again in 1.6 s")
    count = program.output().count("bad | up")
    program.signal(signal.SIGTERM)
    assert program.end() == 0
    assert program.output().count("bad | up") == count


def test_children_die_with_a_killed_supervisor(supervise: Supervise) -> None:
    program = supervise(children={"one": STUBBORN, "two": SLEEPER})
    all_up(program, 2)
    running = program.descendants()
    program.signal(signal.SIGKILL)
    program.end()
    wait_until(lambda: all_ended(running))


def test_one_time_programs_run_first_and_their_failure_ends_everything(supervise: Supervise) -> None:
    program = supervise(once=["print('first')", "print('second'); raise SystemExit(4)"], children={"one": SLEEPER})
    assert program.end() == 4
    assert program.output().split() == ["once0", "|", "first", "once1", "|", "second"]


def test_a_signal_during_a_one_time_program_ends_it(supervise: Supervise) -> None:
    program = supervise(once=[SLEEPER], children={"one": SLEEPER})
    program.wait_for("once0 | up")
    program.signal(signal.SIGTERM)
    assert program.end() == signal.SIGTERM
    assert "one | up" not in program.output()


def test_an_idle_supervisor_does_not_wake_up(supervise: Supervise) -> None:
    program = supervise(children={"one": SLEEPER})
    program.wait_for("one | up")
    process = psutil.Process(program.pid)
    before = process.num_ctx_switches().voluntary
    time.sleep(1)
    assert process.num_ctx_switches().voluntary - before <= 2


def test_output_is_split_into_lines() -> None:
    read_end, write_end = os.pipe()
    heard: list[str] = []
    lines = LineReader(read_end, heard.append)
    for piece in (b"one\ntw", b"o\r\n\xff\n", b"x" * MAX_LINE_BYTES, b"tail"):
        os.write(write_end, piece)
        assert lines.read()
    os.close(write_end)
    assert not lines.read()
    assert heard[:3] == ["one", "two", "�"]
    assert heard[3:] == ["x" * MAX_LINE_BYTES, "tail"]
    os.close(read_end)


def test_a_data_directory_is_locked_by_one_process(tmp_path: Path) -> None:
    lock = preflight.lock_data_dir(tmp_path)
    with pytest.raises(preflight.StartRefused, match=f"already runs.*process {os.getpid()}") as refused:
        preflight.lock_data_dir(tmp_path)
    assert refused.value.code == 1
    os.close(lock)
    os.close(preflight.lock_data_dir(tmp_path))


def test_a_taken_port_is_refused_and_a_free_one_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(preflight.StartRefused, match=f"Port {port} is taken: .* --port ([0-9]+)") as refused:
            preflight.open_listening_socket("127.0.0.1", port)
        assert refused.value.code == 3
        other = int(re.findall(r"--port ([0-9]+)", str(refused.value))[0])
        preflight.open_listening_socket("127.0.0.1", other).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_of_another_machine_is_refused_in_one_sentence(host: str) -> None:
    with pytest.raises(preflight.StartRefused, match="--host") as refused:
        preflight.open_listening_socket(host, 8000)
    assert refused.value.code == 1


def test_a_free_port_is_held_from_the_moment_it_was_found() -> None:
    with preflight.open_socket_on_free_port("127.0.0.1", 20_000) as ours:
        port = ours.getsockname()[1]
        with socket.socket() as thief, pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", port))
        with preflight.open_socket_on_free_port("127.0.0.1", port) as another:
            assert another.getsockname()[1] != port

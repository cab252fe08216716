"""Keys that the environment does not give are generated once and kept in the data directory."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal import keys
from tests.helpers.processes import Program, environment


def test_a_secret_is_created_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    secret = keys.read_or_create_secret(path)
    assert len(secret) == 64
    assert keys.read_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]


def test_threads_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(keys.read_or_create_secret, [tmp_path / "secret_key"] * 64))) == 1


def test_processes_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    code = "import pathlib, sys; from portal import keys; print(keys.read_or_create_secret(pathlib.Path(sys.argv[1])))"
    programs = [
        Program(tmp_path / f"{number}.log", "-c", code, str(tmp_path / "secret_key"), env=environment())
        for number in range(6)
    ]
    assert [program.end(30) for program in programs] == [0] * 6
    assert {program.output().strip() for program in programs} == {keys.read_or_create_secret(tmp_path / "secret_key")}


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(ValueError, match="empty"):
        keys.read_or_create_secret(tmp_path / "secret_key")


def test_keys_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("new,\nold  oldest\n")
    assert keys.read_keys(tmp_path / "keys") == ("new", "old", "oldest")
    assert keys.read_keys(tmp_path / "none") == ()

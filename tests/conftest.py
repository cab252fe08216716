"""Fixtures for every test: the cast, the stand-in providers, and a data folder of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password  # noqa: F401  loads the hashers once
from pytest_django.fixtures import Settings

from exports.http import throttling
from exports.models import Member, Team
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast, make_cast
from tests.helpers.prepared_portal import shared_prepared_folder

# What takes longest, the longest first.
LONG = (
    "test_the_engine_on_postgresql",
    "test_every_fault_of_the_stand_ins",
    "test_the_commands.py::test_export_wait",
    "tests/chaos",
    "test_no_answer_is_too_late",
    "test_killed_workers",
    "test_many_exports_on_one_credential",
    "test_a_broker_that_dies",
    "test_it_serves_and_stops",
    "test_idle_it_needs_little",
    "test_the_main_job",
    "test_pages_are_sound.py::test_pages[",
    "test_any_order_of_events",
    "infrastructure/test_up.py",
    "tests/browser",
    "test_spool.py::test_five",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deals what takes long out to all processes, to begin with, so that none is left alone with it at the end.

    xdist gives each process an equal stretch of the list (--dist worksteal); who is done takes from another's end.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count < 2:
        return
    rank = {item: next((n for n, name in enumerate(LONG) if name in item.nodeid), len(LONG)) for item in items}
    long = sorted((item for item in items if rank[item] < len(LONG)), key=rank.__getitem__)
    short = [item for item in items if rank[item] == len(LONG)]
    dealt: list[pytest.Item] = []
    for number in range(count):
        hand = long[number::count]
        room = (len(items) - len(dealt)) // (count - number) - len(hand)
        dealt += hand + short[: max(room, 0)]
        del short[: max(room, 0)]
    items[:] = dealt + short


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Settings, tmp_path: Path) -> None:
    """Files, parts and keys of a test lie in a folder of its own; passwords are hashed quickly; rates begin anew."""
    settings.DATA_DIR = tmp_path
    throttling.reset()
    settings.CREDENTIAL_KEYS = ("a sealing key for tests only",)
    settings.CREDENTIAL_KEYS_FILE = None
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder that is ready for a portal, not to be written to: `copy_to` makes another one."""
    base = tmp_path_factory.getbasetemp()
    return shared_prepared_folder(base if worker_id == "master" else base.parent)


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def team(cast: Cast) -> Team:
    return cast.team


@pytest.fixture
def owner(cast: Cast) -> Member:
    return cast.owner


@pytest.fixture
def member(cast: Cast) -> Member:
    return cast.member


@pytest.fixture
def viewer(cast: Cast) -> Member:
    return cast.viewer


@pytest.fixture
def outsider(cast: Cast) -> Member:
    return cast.outsider


@pytest.fixture(scope="session")
def _shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(time_scale=0.02, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_shared_sandbox: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """The stand-in providers, quick and without limits, on a real socket."""
    _shared_sandbox.reset()
    _shared_sandbox.settings(file_bytes=None, time_scale=0.02, limits="off")
    settings.PRIVATE_HOSTS = (f"127.0.0.1:{_shared_sandbox.port}",)
    yield _shared_sandbox
    _shared_sandbox.reset()
    _shared_sandbox.settings(file_bytes=None, time_scale=0.02, limits="off")


@pytest.fixture
def at(sandbox: Sandbox) -> Callable[[str], str]:
    """at("toloka") is the origin of that stand-in."""
    return sandbox.origin

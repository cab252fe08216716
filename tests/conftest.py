"""Fixtures for every test: the cast and a client for each of them, the stand-in providers, and a data folder."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.hashers import make_password  # noqa: F401  loads the hashers once
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from exports import log_ids
from exports.http import throttling
from exports.models import Member, Team
from exports.sandbox.server import Sandbox
from exports.web import daily_counts
from tests.helpers.cast import Cast, make_cast
from tests.helpers.clients import client_of
from tests.helpers.migrated_database import shared_database
from tests.helpers.object_store_fixtures import bucket, store
from tests.helpers.prepared_portal import drop_templates, shared_prepared_folder

__all__ = ["bucket", "store"]

# How fast examples are made is the machine's affair.
settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portal")

# The duration of a test with the marker `slow` that does not say how many seconds it takes.
DEFAULT_SLOW_SECONDS = 5.0


def slow_seconds(item: pytest.Item) -> float:
    """How long the test takes, by its marker `slow`; 0 without the marker."""
    marker = item.get_closest_marker("slow")
    return float(marker.kwargs.get("seconds", DEFAULT_SLOW_SECONDS)) if marker else 0.0


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Each process of a whole run first loads its share of the test modules.

    pytest rewrites the assertions of a module that it sees for the first time and keeps the result: in a fresh clone
    all processes would do so for every module.
    """
    count, name = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), os.environ.get("PYTEST_XDIST_WORKER", "")
    if count > 1 and session.config.args == session.config.getini("testpaths") and not sys.dont_write_bytecode:
        modules = sorted(Path(__file__).parent.rglob("test_*.py"))
        for path in modules[int(name.removeprefix("gw")) :: count]:
            importlib.import_module(".".join(path.relative_to(session.config.rootpath).with_suffix("").parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each process its share of the slow tests, the longest first, so that none is left with one at the end.

    xdist gives each process an equal stretch of the list (--dist worksteal); a process that has finished its own takes
    from another's end.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count < 2:
        return
    slow = sorted(filter(slow_seconds, items), key=slow_seconds, reverse=True)
    quick = [item for item in items if not slow_seconds(item)]
    ordered: list[pytest.Item] = []
    for number in range(count):
        share = slow[number::count]
        room = max((len(items) - len(ordered)) // (count - number) - len(share), 0)
        ordered += share + quick[:room]
        del quick[:room]
    items[:] = ordered + quick


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Settings, tmp_path: Path) -> None:
    """Each test has its own folder for files, parts and keys; request rates are reset; hashing passwords is quick."""
    settings.DATA_DIR = tmp_path
    settings.STORAGE_URL = ""
    throttling.reset()
    log_ids.begin()
    daily_counts.forget()
    settings.CREDENTIAL_KEYS = ("a sealing key for tests only",)
    settings.CREDENTIAL_KEYS_FILE = None
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this test run, which all its processes share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def database_folder(pytestconfig: pytest.Config, run_folder: Path) -> Path:
    """Where the migrated database is kept: from run to run, where pytest may keep anything."""
    return pytestconfig.cache.mkdir("database") if hasattr(pytestconfig, "cache") else run_folder


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    database_folder: Path,
) -> Iterator[None]:
    """The test database, as pytest-django's fixture of this name makes it, migrated only where no copy is kept."""
    with django_db_blocker.unblock(), shared_database(database_folder) as copied:
        databases = setup_databases(verbosity=0, interactive=False, keepdb=copied, serialized_aliases=())
    yield
    with django_db_blocker.unblock():
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session")
def prepared(run_folder: Path, database_folder: Path, django_db_setup: None) -> Path:
    """A data folder that is ready for a portal, not to be written to: `copy_prepared` makes another one."""
    return shared_prepared_folder(run_folder, database_folder)


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
def origin_of(sandbox: Sandbox) -> Callable[[str], str]:
    """origin_of(slug) is the origin of that stand-in."""
    return sandbox.origin


@pytest.fixture
def as_owner(owner: Member) -> Client:
    return client_of(owner)


@pytest.fixture
def as_member(member: Member) -> Client:
    return client_of(member)


@pytest.fixture
def as_viewer(viewer: Member) -> Client:
    return client_of(viewer)


@pytest.fixture
def as_outsider(outsider: Member) -> Client:
    return client_of(outsider)


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon in UTC, for tests of what happened today: near midnight the day would change during the test."""
    with time_machine.travel(datetime.now(UTC).replace(hour=12), tick=True):
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The templates that databases of this run were copied from."""
    if not hasattr(session.config, "workerinput"):
        drop_templates(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]

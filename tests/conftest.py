"""Fixtures for every test: the cast, the stand-in providers, and a data folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password  # noqa: F401  loads the hashers once
from pytest_django.fixtures import Settings

from exports.models import Member, Team
from exports.sandbox.server import Sandbox
from tests.cast import Cast, make_cast


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Settings, tmp_path: Path) -> None:
    """Files, parts and keys of a test lie in a folder of its own; passwords are hashed quickly."""
    settings.DATA_DIR = tmp_path
    settings.CREDENTIAL_KEYS = ("a sealing key for tests only",)
    settings.CREDENTIAL_KEYS_FILE = None
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


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
def _one_box() -> Iterator[Sandbox]:
    with Sandbox(time_scale=0.02, limits="off") as box:
        yield box


@pytest.fixture
def box(_one_box: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """The stand-in providers, quick and without limits, on a real socket."""
    _one_box.reset()
    _one_box.settings(file_bytes=None, time_scale=0.02, limits="off")
    settings.PRIVATE_HOSTS = (f"127.0.0.1:{_one_box.port}",)
    yield _one_box
    _one_box.reset()
    _one_box.settings(file_bytes=None, time_scale=0.02, limits="off")


@pytest.fixture
def at(box: Sandbox) -> Callable[[str], str]:
    """at("toloka") is the origin of that stand-in."""
    return box.origin

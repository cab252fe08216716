"""Fixtures: one S3 server for each process of the suite, and a bucket of its own for each test that wants one."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from exports.storage.bucket.bucket import Bucket
from exports.storage.places import current
from tests.helpers.object_store import ObjectStore, object_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """The running server."""
    with object_store(tmp_path_factory.mktemp("s3")) as started:
        yield started


@pytest.fixture
def bucket(store: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, in which new files are kept."""
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGE_URL = store.make_bucket()
    place = current()
    assert isinstance(place, Bucket)
    return place

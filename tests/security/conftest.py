"""One running portal for all tests that call it from outside."""

from collections.abc import Iterator

import pytest

from tests.security.production_portal import Portal, running_portal


@pytest.fixture(scope="session")
def portal(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Portal]:
    with running_portal(tmp_path_factory.mktemp("portal"), django_db_blocker) as one:
        yield one

"""Coverage: each project at the providers or here has one state, the first that fits, and lists are paged by key."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports.credentials import service
from exports.errors import InvalidError
from exports.exporting import coverage
from exports.exporting.coverage import CoverageFilters
from exports.models import Credential, Project, RemoteProject
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES

pytestmark = pytest.mark.postgresql


def states(cast: Cast, **filters: Any) -> dict[str, str]:
    page = coverage.get_page(cast.team.pk, CoverageFilters(**filters), limit=100)
    return {row.remote_id: row.state for row in page.rows}


@pytest.fixture
def credential(cast: Cast) -> Credential:
    return cast.credential(TABLES)


def here(credential: Credential, remote_id: str, **columns: Any) -> Project:
    project = service.create_project(credential, None, remote_id=remote_id)
    Project.objects.filter(pk=project.pk).update(**columns)
    return project


def there(credential: Credential, remote_id: str, **columns: Any) -> None:
    RemoteProject.objects.create(credential=credential, remote_id=remote_id, name=f"There {remote_id}", **columns)


def test_the_first_state_that_fits_counts(cast: Cast, credential: Credential) -> None:
    now = timezone.now()
    old = {"last_good_at": now - timedelta(hours=30)}
    there(credential, "1")
    here_and_there: dict[str, dict[str, Any]] = {
        "2": {},
        "3": {"fresh_within_hours": 1, "created_at": now - timedelta(hours=2)},
        "4": {"fresh_within_hours": 24, **old},
        "5": {"fresh_within_hours": 48, **old},
        "6": old,
    }
    for id_, columns in here_and_there.items():
        here(credential, id_, **columns)
        there(credential, id_)
    here(credential, "7", **old)
    there(credential, "7", gone_at=now)
    here(credential, "8", last_good_at=now)
    there(credential, "8", gone_at=now - timedelta(hours=1))
    there(credential, "9", gone_at=now)
    here(credential, "10")
    here(credential, "11", archived_at=now)
    there(credential, "11")
    assert states(cast) == {
        "1": "unprotected",
        "11": "unprotected",
        "4": "overdue",
        "2": "never",
        "3": "never",
        "10": "never",
        "7": "gone",
        "5": "fresh",
        "6": "fresh",
        "8": "fresh",
    }
    assert coverage.count_states(cast.team.pk) == {
        TABLES: {"unprotected": 2, "overdue": 1, "never": 3, "gone": 1, "fresh": 3}
    }


def test_the_state_is_that_of_the_project_to_the_minute(cast: Cast, credential: Credential) -> None:
    for number, minutes in enumerate((58, 59, 61, 62)):
        at = timezone.now() - timedelta(minutes=minutes)
        here(credential, str(number + 1), fresh_within_hours=1, last_good_at=at)
    found = states(cast)
    for project in Project.objects.all():
        assert (found[project.remote_id] == "overdue") == project.is_overdue
    assert set(found.values()) == {"overdue", "fresh"}


def test_it_is_paged_without_gaps_in_three_queries_a_page(
    cast: Cast, credential: Credential, django_assert_max_num_queries: Any
) -> None:
    for number in range(1, 10):
        there(credential, str(number))
        if number % 2:
            here(credential, str(number), name=f"Équipe {number}" if number % 3 else "")
    whole, seen, cursor = list(states(cast)), list[str](), ""
    while True:
        with django_assert_max_num_queries(3):
            page = coverage.get_page(cast.team.pk, cursor=cursor, limit=2)
        seen += [row.remote_id for row in page.rows]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == whole
    assert len(whole) == 9


def test_it_is_filtered_by_state_provider_and_credential(cast: Cast, credential: Credential) -> None:
    there(credential, "1")
    here(credential, "2")
    other = cast.credential(CHANGING)
    there(other, "1")
    assert list(states(cast, states=("never",))) == ["2"]
    assert list(states(cast, provider=CHANGING)) == ["1"]
    assert list(states(cast, credential_id=credential.pk)) == ["1", "2"]
    assert list(states(cast, only_copies=True)) == ["1", "2"], f"{CHANGING.label}'s exports make no copies"


def test_other_teams_see_nothing_of_it(cast: Cast, credential: Credential) -> None:
    there(credential, "1")
    here(credential, "2")
    assert coverage.get_page(cast.other_team.pk).rows == []
    assert coverage.count_states(cast.other_team.pk) == {}


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10", "e30", "WzEsMiwzLDRd", "A" * 3000, "bnVsbA"])
def test_a_malformed_cursor_is_an_error(cast: Cast, cursor: str) -> None:
    with pytest.raises(InvalidError, match="no cursor"):
        coverage.get_page(cast.team.pk, cursor=cursor)

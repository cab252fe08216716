"""Saved filters: save, list, rename, delete, limits; each member's are their own."""

import pytest
from django.test import Client

from exports.errors import ConflictError
from exports.exporting import saved_filters
from exports.models import SavedFilter
from tests.helpers.cast import Cast

LIST = "/t/the-team/exports/"
FILTERS = f"{LIST}filters/"


def save(client: Client, name: str, query: str) -> str:
    answer = client.post(f"{FILTERS}save", {"name": name, "query": query}, follow=True)
    return answer.content.decode()


def test_filters_are_saved_and_listed_beside_the_list(as_viewer: Client, as_member: Client) -> None:
    page = as_viewer.get(f"{LIST}?status=failed&q=orders").content.decode()
    assert 'name="query" value="status=failed&amp;q=orders"' in page
    saved = save(as_viewer, "  My   failures ", "status=failed&q=orders")
    assert "Saved as “My failures”." in saved
    assert 'href="?status=failed&amp;q=orders" aria-current="true">My failures</a>' in saved
    assert "Save these filters as" not in saved, "they are saved"
    assert "My failures" in as_viewer.get(LIST).content.decode()
    assert "My failures" not in as_member.get(LIST).content.decode(), "each member has their own"


def test_only_known_filters_are_saved_and_no_page(as_viewer: Client) -> None:
    save(as_viewer, "Some", "status=failed&before=77&nonsense=1&provider=nobody")
    assert SavedFilter.objects.get().query == "status=failed"


@pytest.mark.parametrize(
    ("name", "query", "why"),
    [
        ("", "status=failed", "Give a name"),
        ("x" * 61, "status=failed", "Give a name"),
        ("a\x1bb", "status=failed", "Give a name"),
        ("Nothing", "", "no filter to save"),
        ("Twice", "status=failed", "of this name already"),
    ],
)
def test_what_cannot_be_saved_says_why(as_viewer: Client, cast: Cast, name: str, query: str, why: str) -> None:
    SavedFilter.objects.create(member=cast.viewer, name="Twice", query="status=canceled")
    assert why in save(as_viewer, name, query)
    assert SavedFilter.objects.count() == 1


def test_there_is_a_limit(as_viewer: Client, cast: Cast) -> None:
    SavedFilter.objects.bulk_create(
        SavedFilter(member=cast.viewer, name=str(number), query="q=1") for number in range(saved_filters.MAX_SAVED)
    )
    with pytest.raises(ConflictError):
        saved_filters.save_filter(cast.viewer, "One more", "q=2")
    assert "delete one first" in save(as_viewer, "One more", "status=failed")


def test_they_are_renamed_and_deleted(as_viewer: Client, as_member: Client, cast: Cast) -> None:
    row, other = (SavedFilter.objects.create(member=cast.viewer, name=name, query="q=1") for name in ("One", "Two"))
    assert (
        "of this name already"
        in as_viewer.post(f"{FILTERS}{row.pk}/rename", {"name": "Two"}, follow=True).content.decode()
    )
    as_viewer.post(f"{FILTERS}{row.pk}/rename", {"name": "First"})
    page = as_viewer.get(FILTERS).content.decode()
    assert 'value="First"' in page
    assert as_member.post(f"{FILTERS}{row.pk}/rename", {"name": "Mine"}).status_code == 404
    assert as_member.post(f"{FILTERS}{row.pk}/delete").status_code == 404
    as_viewer.post(f"{FILTERS}{row.pk}/delete")
    assert list(SavedFilter.objects.all()) == [other]

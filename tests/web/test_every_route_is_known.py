"""A route that nobody listed is noticed: each is visited by the tests that look at every page, or says why not."""

from tests.web import visits


def test_each_route_is_visited_or_says_why_not() -> None:
    known = {*visits.PAGES, *visits.FOR_STRANGERS, *visits.NO_PAGES}
    assert set(visits.routes()) - known == set(), "list it in tests/web/visits.py"
    assert known - set(visits.routes()) == set(), "it is gone"


def test_no_page_counts_as_none() -> None:
    assert not {*visits.PAGES, *visits.FOR_STRANGERS} & set(visits.NO_PAGES)

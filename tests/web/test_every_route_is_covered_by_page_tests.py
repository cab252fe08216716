"""A route that nobody listed is noticed: each is visited by the tests that look at every page, or says why not."""

from tests.helpers import page_routes


def test_each_route_is_visited_or_says_why_not() -> None:
    known = {*page_routes.PAGES, *page_routes.ANONYMOUS_PAGES, *page_routes.ROUTES_WITHOUT_PAGE}
    assert set(page_routes.routes()) - known == set(), "list it in tests/helpers/page_routes.py"
    assert known - set(page_routes.routes()) == set(), "it is gone"


def test_no_page_counts_as_none() -> None:
    assert not {*page_routes.PAGES, *page_routes.ANONYMOUS_PAGES} & set(page_routes.ROUTES_WITHOUT_PAGE)

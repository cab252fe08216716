"""Each route is visited by the tests of all pages, or has a reason why not; a new one fails until it is listed."""

from tests.helpers import page_routes


def test_each_route_is_visited_or_has_a_reason_why_not() -> None:
    known = {*page_routes.PAGES, *page_routes.ANONYMOUS_PAGES, *page_routes.ROUTES_WITHOUT_PAGE}
    assert set(page_routes.routes()) - known == set(), "list it in tests/helpers/page_routes.py"
    assert known - set(page_routes.routes()) == set(), "it is gone"


def test_no_visited_route_has_a_reason_why_not() -> None:
    assert not {*page_routes.PAGES, *page_routes.ANONYMOUS_PAGES} & set(page_routes.ROUTES_WITHOUT_PAGE)

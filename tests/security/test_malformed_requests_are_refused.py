"""Malformed and forged requests to a running portal are refused, and no answer repeats their content."""

import re

import pytest

from tests.helpers.page_routes import every_route, fill_route
from tests.security.production_portal import HOST, Portal

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
OURS = f"Host: {HOST}\nX-Forwarded-Proto: https\n"
END = "Connection: close\n\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (f"GET /sign-in/ HTTP/1.1\nHost: evil.example\nX-Forwarded-Proto: https\n{END}", 400),
        (f"GET /sign-in/ HTTP/1.1\nHost: {HOST}:443@evil.example\nX-Forwarded-Proto: https\n{END}", 400),
        (f"GET /sign-in/ HTTP/1.1\n{OURS}Host: evil.example\n{END}", 400),
        (f"GET /sign-in/ HTTP/1.1\nX-Forwarded-Proto: https\n{END}", 400),
        (f"GET https://evil.example/sign-in/ HTTP/1.1\n{OURS}{END}", 400),
        (f"GET https://evil.example/api/v1/me HTTP/1.1\n{OURS}{END}", 400),
        (f"GET https://{HOST}/sign-in/ HTTP/1.1\n{OURS}{END}", 200),
        (f"GET /sign-in/ HTTP/1.1\n{OURS}X-Forwarded-Host: evil.example\n{END}", 200),
        (f"GET /sign-in/ HTTP/1.1\n{OURS}Forwarded: host=evil.example\n{END}", 200),
        (f"GET /sign-in/ HTTP/1.1\nHost: {HOST}\nX-Forwarded-Proto: http\nX-Forwarded-Host: evil.example\n{END}", 301),
        (f"GET /{'a' * 8_200} HTTP/1.1\n{OURS}{END}", 414),
        (f"GET / HTTP/1.1\n{OURS}X-Evil: {'a' * 9_000}\n{END}", 431),
        (f"GET / HTTP/1.1\n{OURS}Evil header: a\n{END}", 400),
        (f"POST /sign-in/ HTTP/1.1\n{OURS}Content-Length: 3\nTransfer-Encoding: chunked\n{END}0\n\n", 400),
        (f"POST /sign-in/ HTTP/1.1\n{OURS}Content-Length: -3\n{END}", 400),
        (f"TRACE /sign-in/ HTTP/1.1\n{OURS}X-Evil: evil\n{END}", 405),
        (f"EVIL /sign-in/ HTTP/1.1\n{OURS}{END}", 405),
        (f"CONNECT evil.example:443 HTTP/1.1\n{OURS}{END}", 400),
        ("GET /healthz HTTP/1.0\n\n", 200),
    ],
    ids=lambda value: value[:40].replace("\n", " ") if isinstance(value, str) else None,
)  # fmt: skip
def test_a_malformed_request_gets_the_documented_status(portal: Portal, request_: str, status: int) -> None:
    answer = portal.raw(request_)
    assert answer.status == status, answer.text
    assert "evil" not in f"{answer.text}{answer.headers}".lower()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_long_query_string_is_accepted(portal: Portal) -> None:
    assert portal.api("GET", f"/exports?q={'a' * 8_000}").status_code == 422


def test_every_post_requires_the_csrf_token(portal: Portal) -> None:
    """Each address of the pages and the admin site, with the session but without what only our own forms have."""
    let_in, asked = [], 0
    for route in every_route():
        if route.startswith("hooks/"):
            continue  # for machines, which have no session
        path = fill_route(route, portal.cast, portal.numbers, str(portal.numbers["team"]))
        admin = route.startswith("admin/")
        headers = {"Origin": "https://evil.example" if asked % 2 else f"https://{HOST}", "Referer": f"https://{HOST}/"}
        answer = portal.ask("POST", path, who=portal.staff if admin else portal.session, headers=headers)
        asked += 1
        if answer.status_code not in (403, 404, 405):  # where nothing takes it, nothing can be forged
            let_in.append(f"{route}: {answer.status_code}")
    assert not let_in, "\n".join(let_in)
    assert asked > 100


def test_a_session_does_not_authenticate_at_the_api(portal: Portal) -> None:
    for method, path in (("GET", "/me"), ("POST", f"/exports/{portal.numbers['open']}/cancel")):
        assert portal.ask(method, f"/api/v1{path}", who=portal.session).status_code == 401


def test_a_form_with_a_huge_file_is_refused_before_it_is_read(portal: Portal) -> None:
    begin = f"POST /sign-in/ HTTP/1.1\n{OURS}Content-Type: multipart/form-data; boundary=x\n"
    assert portal.raw(f"{begin}Content-Length: 99999999999\n{END}--x\n").status == 413


@pytest.mark.parametrize("part", ["<script>", "../../etc/passwd", "%0d%0aSet-Cookie:%20evil=1", "%00", "\\..\\", "%ff"])
def test_odd_path_segments_do_no_harm(portal: Portal, part: str) -> None:
    for path in (f"/t/{part}/", f"/static/{part}", f"/invitations/{part}/", f"/api/v1/{part}", f"/hooks/{part}"):
        answer = portal.ask("GET", path, who=portal.session)
        assert answer.status_code in (204, 302, 400, 404), (path, answer.status_code)
        assert "evil" not in answer.cookies
        assert not re.search("<script>|root:", answer.text)

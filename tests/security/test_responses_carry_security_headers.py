"""Every kind of response of a portal behind a TLS proxy carries the security headers."""

import re
from http.cookies import SimpleCookie
from urllib.parse import quote, urljoin, urlsplit

import pytest
import requests

from tests.security.production_portal import HOST, Portal

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
ATTACHED = re.compile(r"""attachment; filename="[\w ().+-]+"(; filename\*=UTF-8''[\w.~%-]+)?\Z""", re.ASCII)


def every_kind(portal: Portal) -> dict[str, tuple[int, requests.Response]]:
    """Name to the status it must have, and the answer."""
    team, good, session = f"/t/{portal.numbers['team']}", portal.numbers["good"], portal.session
    api, ask = portal.api, portal.ask
    return {
        "page": (200, ask("GET", f"{team}/exports/{good}/", who=session)),
        "page for strangers": (200, ask("GET", "/sign-in/")),
        "redirect": (302, ask("GET", f"{team}/")),
        "redirect to https": (301, ask("GET", "/sign-in/", secure=False)),
        "redirect to a slash": (301, ask("GET", "/sign-in")),
        "404": (404, ask("GET", "/nothing/")),
        "404 in a team": (404, ask("GET", f"{team}/exports/999/", who=session)),
        "403": (403, ask("POST", f"{team}/exports/{good}/cancel", who=session)),
        "400, wrong host": (400, ask("GET", "/sign-in/", headers={"Host": "evil.example"})),
        "405": (405, ask("TRACE", "/sign-in/")),
        "413": (413, ask("POST", "/sign-in/", headers={"Content-Length": "1000001"})),
        "500": (500, ask("GET", f"{team}/settings/alerts/", who=session)),
        "static": (200, ask("GET", "/static/exports/portal.css")),
        "static, missing": (404, ask("GET", "/static/exports/nothing.css")),
        "icon": (302, ask("GET", "/favicon.ico")),
        "healthz": (200, ask("GET", "/healthz")),
        "hook": (204, ask("POST", f"/hooks/{portal.numbers['open']}/{portal.mark}")),
        "hook, wrong": (204, ask("POST", "/hooks/1/wrong")),
        "file": (200, ask("GET", f"{team}/exports/{good}/file", who=session)),
        "part of a file": (206, ask("GET", f"{team}/exports/{good}/file", who=session, headers={"Range": "bytes=0-3"})),
        "no such part": (416, ask("GET", f"{team}/exports/{good}/file", who=session, headers={"Range": "bytes=99-"})),
        "preview": (200, ask("GET", f"{team}/exports/{good}/preview", who=session)),
        "video": (200, ask("GET", f"{team}/exports/{portal.video}/play", who=session)),
        "csv": (200, ask("GET", f"{team}/exports.csv", who=session)),
        "admin": (200, ask("GET", "/admin/", who=portal.staff)),
        "admin, stranger": (302, ask("GET", "/admin/")),
        "API": (200, api("GET", "/exports")),
        "API, docs": (200, ask("GET", "/api/docs")),
        "API, document": (200, ask("GET", "/api/v1/openapi.json")),
        "API, file": (200, api("GET", f"/exports/{good}/file")),
        "API, 401": (401, ask("GET", "/api/v1/me")),
        "API, 404": (404, api("GET", "/exports/999")),
        "API, 405": (405, api("TRACE", "/me")),
        "API, 413": (413, api("POST", f"/exports/{good}/cancel", headers={"Content-Length": "1000001"})),
        "API, 422": (422, api("GET", "/exports?limit=0")),
        "API, 500": (500, api("POST", f"/projects/{portal.numbers['copy']}/exports", json={"type": "orders"},
                              headers={"Idempotency-Key": "one"})),
    }  # fmt: skip


def policy(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.strip().partition(" ") for part in text.split(";"))}


def wrong(name: str, status: int, answer: requests.Response) -> list[str]:
    """What this answer lacks, or has and should not have."""
    head = answer.headers
    rules = policy(head.get("Content-Security-Policy", ""))
    is_file = "filename" in head.get("Content-Disposition", "") or name in ("video", "no such part")
    is_page = head.get("Content-Type", "").startswith("text/html")
    checks = {
        "status": answer.status_code == status,
        "CSP": rules.get("default-src") == "'none'" and ("sandbox" in rules or rules["frame-ancestors"] == "'none'"),
        "nothing unsafe": not re.search(r"unsafe|\*|data:|https?:", head["Content-Security-Policy"]),
        "a file is in a sandbox": not is_file or "sandbox" in rules or name == "csv",
        "a file is attached": not is_file
        or name in ("video", "no such part")
        or ATTACHED.match(head["Content-Disposition"]),
        "nosniff": head.get("X-Content-Type-Options") == "nosniff",
        "frames": head.get("X-Frame-Options") == "DENY",
        "Referrer-Policy": head.get("Referrer-Policy") == "same-origin",
        "COOP": head.get("Cross-Origin-Opener-Policy") == "same-origin",
        "CORP": head.get("Cross-Origin-Resource-Policy") == "same-origin",
        "Permissions-Policy": "camera=()" in head.get("Permissions-Policy", ""),
        "HSTS": name == "redirect to https" or head.get("Strict-Transport-Security") == "max-age=31536000",
        "no version": not re.search(r"\d", head.get("Server", "")),
        "for nobody else's pages": "Access-Control-Allow-Origin" not in head,
        "not kept by others": not is_page or re.search("private|no-store", head.get("Cache-Control", "")) is not None,
        "no trace of evil": "evil" not in f"{answer.text} {head}",
    }
    return [f"{name}: {what} ({answer.status_code}, {dict(head)})" for what, good in checks.items() if not good]


def test_every_kind_of_response_has_the_headers(portal: Portal) -> None:
    answers = every_kind(portal)
    found = [line for name, (status, answer) in answers.items() for line in wrong(name, status, answer)]
    assert not found, "\n".join(found)
    problems = {name for name, (_, answer) in answers.items() if "problem+json" in answer.headers["Content-Type"]}
    assert problems == {name for name in answers if re.match(r"API, \d", name)}
    for name in ("500", "API, 500"):
        assert "exports_" not in answers[name][1].text, "what broke is for the log"


def test_cookies_are_host_only_secure_and_http_only(portal: Portal) -> None:
    page = portal.ask("GET", "/sign-in/")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    for kind, name in re.findall(r'<input type="(email|text|password)" name="([^"]+)"', page.text):
        fields[name] = "correct horse battery staple" if kind == "password" else portal.cast.owner.user.email
    csrf = page.cookies["__Host-csrf"]
    sent = {"Referer": f"https://{HOST}/sign-in/", "Cookie": f"__Host-csrf={csrf}"}
    inside = portal.ask("POST", "/sign-in/", data=fields, headers=sent)
    assert inside.status_code == 302, inside.text
    cookies = SimpleCookie()
    for answer in (page, inside):
        for line in answer.raw.headers.getlist("Set-Cookie"):
            cookies.load(line)
    assert {"__Host-session", "__Host-csrf"} <= set(cookies)
    for name, cookie in cookies.items():
        assert name.startswith("__Host-"), name
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", ""), name
        assert cookie["samesite"] in ("Lax", "Strict"), name


def leads_to(answer: requests.Response) -> str | None:
    """The host of where a browser goes: it takes backslashes for slashes and drops what cannot be seen."""
    location = re.sub(r"[\t\r\n]", "", answer.headers.get("Location", "")).strip().replace("\\", "/")
    location = re.sub(r"^(https?:)/*(?!/)", r"\1//", location)
    return urlsplit(urljoin(f"https://{HOST}/", location)).hostname


@pytest.mark.parametrize("next_", ["//evil.example", r"/\evil.example", r"\\evil.example", "https:evil.example",
    "https:///evil.example", "javascript:alert(1)", "/\t/evil.example", "http://portal.example.org@evil.example",
    " //evil.example", "https://portal.example.org.evil.example/", "%2f%2fevil.example"])  # fmt: skip
def test_redirects_lead_to_no_other_host(portal: Portal, next_: str) -> None:
    for path in ("/sign-in/", "/sign-out/", "/admin/login/", "/"):
        answer = portal.ask("GET", f"{path}?next={quote(next_)}", who=portal.session)
        assert leads_to(answer) == HOST, (path, answer.headers)


@pytest.mark.parametrize("path", ["//evil.example/..", "/%2Fevil.example", r"/\evil.example", "//evil.example/%2e%2e"])
def test_a_path_that_looks_like_another_host_is_not_redirected_to_it(portal: Portal, path: str) -> None:
    answer = portal.ask("GET", path)
    assert leads_to(answer) == HOST, answer.headers

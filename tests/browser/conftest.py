"""A real Chromium in front of the whole portal: pages, a worker, stand-in providers, all on real sockets."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from exports.models import Member
from tests.helpers import worker
from tests.helpers.cast import PASSWORD, Cast, make_cast

# Playwright runs an event loop in this thread, which Django would take for a mistake.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A machine that runs four of these at once is slow at times.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here needs a browser, which is slow."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow(seconds=8))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        own = playwright.chromium.executable_path
        if found is None and not Path(own).exists():
            pytest.skip("Chromium was not found, so nothing was tried in a browser: install it (apt install chromium).")
        browser = playwright.chromium.launch(executable_path=found or own, args=ARGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser. What the browser complains of is collected."""

    context: BrowserContext
    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Collects errors of scripts, of the policy, and what could not be loaded."""

        def console(message: Any) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{self.page.url}: {message.text}")

        self.page.on("console", console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def ignore_complaints(self, *words: str) -> None:
        """Takes back complaints that belong to the test: the browser itself notes an answer of 4xx."""
        self.complaints[:] = [line for line in self.complaints if not any(word in line for word in words)]

    def log_in_directly(self, member: Member) -> None:
        """Is signed in already, as somebody who was here before."""
        client = Client()
        client.force_login(member.user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.base}])

    def sign_in(self, member: Member) -> None:
        """As a person does it."""
        self.page.goto(f"{self.base}/sign-in/")
        self.page.fill("[name=username]", member.user.email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url("**/t/**")

    def open(self, path: str) -> Page:
        """A page of the team."""
        self.page.goto(f"{self.base}/t/the-team/{path}")
        return self.page


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast in a database that server and crew see too."""
    return make_cast()


@pytest.fixture
def running_worker(cast: Cast) -> Iterator[None]:
    """A worker in this process."""
    with worker.running_worker(16):
        yield


OpenBrowser = Callable[..., Visitor]


@pytest.fixture
def open_browser(chromium: Browser, live_server: LiveServer, cast: Cast) -> Iterator[OpenBrowser]:
    """open_browser(member, **context) -> a visitor, signed in. Complaints of the browser fail the test."""
    visitors: list[Visitor] = []

    def make(member: Member | None = None, **options: Any) -> Visitor:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(**options)
        visitor = Visitor(context, context.new_page(), live_server.url)
        visitor.page.set_default_timeout(PATIENCE)
        visitor.listen()
        visitors.append(visitor)
        if member is not None:
            visitor.log_in_directly(member)
        return visitor

    yield make
    complaints = [line for visitor in visitors for line in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []

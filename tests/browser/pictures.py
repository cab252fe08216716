"""Pictures of every kind of page over the realistic team: `python -m tests.browser.pictures OUT_DIR [part …]`.

Each page is taken whole at 1280 x 800 light and dark, and at 390 x 844 dark: `OUT_DIR/<page>-<theme>.png`. With parts
of names only those pages are taken. `DATA_DIR` names a folder that is filled already; otherwise one is filled and
thrown away.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import realistic_team

ROOT: Final = Path(__file__).resolve().parents[2]
PORT: Final = int(os.environ.get("PICTURES_PORT", "8750"))
BASE: Final = f"http://127.0.0.1:{PORT}"
CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BEAT_SECONDS: Final = 8
THEMES: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
}
TEAM: Final = "/t/the-team/"
OWNER, VIEWER, STAFF, NOBODY = "owner@example.org", "viewer@example.org", "staff@example.org", ""


@dataclass(frozen=True)
class Shot:
    """A page: its name in the pictures, its path, who looks. `html`: what is shown in place of the server's answer."""

    name: str
    path: str
    who: str = OWNER
    html: str = field(default="", repr=False)


def shots() -> list[Shot]:
    """Every kind of page, with the ids of this database."""
    return [*_team_shots(), *_export_shots(), *_settings_shots(), *_other_shots()]


def _team_shots() -> list[Shot]:
    from exports.models import Credential, Member, Project, Schedule
    from tests.helpers.roles import TABLES

    project = Project.objects.get(name="Bakery campaign").pk
    late = Project.objects.get(name="متحف الضوء الافتراضي").pk
    schedule = Schedule.objects.filter(enabled=True).order_by("pk")[0].pk
    stopped = Schedule.objects.filter(enabled=False).order_by("pk")[0].pk
    refused = Credential.objects.exclude(last_error="").latest("pk").pk
    works = Credential.objects.get(name="Crowdfunding").pk
    member = Member.objects.get(user__email="member@example.org").pk
    pages = {
        "home": "", "home-viewer": "", "list": "exports/", "list-filtered": "exports/?status=failed&provider=" + TABLES,
        "list-search": "exports/?q=campaign", "list-none": "exports/?q=nothing-fits", "filters": "exports/filters/",
        "jump": "jump/?q=light", "projects": "projects/", "project": f"projects/{project}/",
        "project-late": f"projects/{late}/", "project-retention": f"projects/{project}/retention/",
        "add-project": "projects/add/", "add-project-of": f"projects/add/{works}/", "new": "new/",
        "new-form": f"new/{project}/orders/", "new-form-archive": f"new/{late}/archive/",
        "new-form-changes": f"new/{Project.objects.get(name='Street signs').pk}/archive/",
        "schedules": "schedules/", "schedule": f"schedules/{schedule}/", "schedule-stopped": f"schedules/{stopped}/",
        "schedule-edit": f"schedules/{schedule}/edit", "schedule-new": "schedules/new/",
        "schedule-form": f"schedules/new/{project}/orders/", "schedule-delete": f"schedules/{schedule}/delete",
        "coverage": "coverage/", "coverage-late": "coverage/?state=overdue",
        "protect-all": f"coverage/{works}/protect/",
        "credentials": "credentials/", "credential": f"credentials/{works}/",
        "credential-refused": f"credentials/{refused}/",
        "credential-add": "credentials/add/", "credential-form": f"credentials/add/{TABLES}/", "members": "members/",
        "member": f"members/{member}/", "invite": "members/invite", "activity": "activity/",
    }  # fmt: skip
    return [Shot(name, TEAM + path, VIEWER if name.endswith("-viewer") else OWNER) for name, path in pages.items()]


def _export_shots() -> list[Shot]:
    from exports.models import Export

    rows = Export.objects.order_by("-pk")
    good = {name: rows.filter(status="succeeded", format=name, file__deleted_at=None)[0] for name in
            ("csv", "xlsx", "zip", "mp4", "tar.gz")}  # fmt: skip
    found = {f"export-{name}": one for name, one in good.items()}
    found |= {f"export-{name}": rows.filter(status=name)[0] for name in ("waiting", "processing", "canceled")}
    found["export-fetching"] = rows.filter(step="fetch")[0]
    found["export-no-file"] = rows.filter(status="succeeded", format="none")[0]
    found["export-file-gone"] = rows.filter(file__deleted_at__isnull=False)[0]
    for failed in rows.filter(status="failed").order_by("pk"):
        found[f"export-failed-{failed.error_code}"] = failed
    pages = {name: f"exports/{one.pk}/" for name, one in found.items()}
    failed, csv = found["export-failed-unconfirmed"], good["csv"]
    pages |= {"export-viewer": f"exports/{failed.pk}/", "compare": f"exports/{csv.pk}/compare"}
    pages |= {"calls": f"exports/{csv.pk}/calls", "preview": f"exports/{csv.pk}/preview"}
    pages |= {
        "preview-zip": f"exports/{good['zip'].pk}/preview",
        "member-of-zip": f"exports/{good['zip'].pk}/members/0",
    }
    pages |= {"retry": f"exports/{failed.pk}/retry", "delete-file": f"exports/{csv.pk}/delete-file"}
    pages |= {"cancel": f"exports/{found['export-processing'].pk}/cancel"}
    return [Shot(name, TEAM + path, VIEWER if name.endswith("-viewer") else OWNER) for name, path in pages.items()]


def _settings_shots() -> list[Shot]:
    from exports.models import Alert, OutboxMessage, Webhook

    webhook = Webhook.objects.order_by("pk")[0].pk
    delivery = OutboxMessage.objects.filter(webhook=webhook).latest("pk").pk
    pages = {
        "settings": "", "retention": "retention/", "alerts": "alerts/", "alert-add": "alerts/add/slack/",
        "alert": f"alerts/{Alert.objects.order_by('pk')[0].pk}/", "webhooks": "webhooks/",
        "webhook-add": "webhooks/add/",
        "webhook": f"webhooks/{webhook}/", "delivery": f"deliveries/{delivery}/", "team-delete": "delete/",
    }  # fmt: skip
    return [Shot(name, f"{TEAM}settings/{path}") for name, path in pages.items()]


def _other_shots() -> list[Shot]:
    from exports.models import Export

    export = Export.objects.latest("pk").pk
    paths = {
        "choose-team": "/?choose", "empty-home": "/t/other-team/", "empty-list": "/t/other-team/exports/",
        "profile": "/profile/", "profile-delete": "/profile/delete", "second-factor": "/profile/second-factor/",
        "sessions": "/profile/sessions/", "password": "/profile/password", "api": "/api/docs",
        "error-404": "/nothing/",
        "error-404-in-team": f"{TEAM}exports/999999/",
    }  # fmt: skip
    admin = {"admin": "", "admin-list": "exports/export/", "admin-object": f"exports/export/{export}/change/",
             "admin-teams": "exports/team/", "admin-workers": "exports/heartbeat/"}  # fmt: skip
    return [
        *(Shot(name, path) for name, path in paths.items()),
        *(Shot(name, f"/admin/{path}", STAFF) for name, path in admin.items()),
        Shot("sign-in", "/sign-in/", NOBODY),
        Shot("password-forgotten", "/forgotten/", NOBODY),
        Shot("error-403", f"{TEAM}activity/", VIEWER),
        Shot("error-500", TEAM, html=_broken_page()),
    ]


def _broken_page() -> str:
    """What a page answers whose view has a fault."""
    from django.test import Client

    from exports.models import User

    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(email=OWNER))
    with mock.patch("exports.web.views.home.home_context", side_effect=RuntimeError("for the picture")):
        return client.get(TEAM).content.decode()


@contextlib.contextmanager
def running_portal(data_dir: str) -> Iterator[None]:
    """A web process over the folder, and heartbeats as if workers were there."""
    command = [
        "gunicorn",
        "--no-control-socket",
        "--config",
        "python:exports.supervisor.gunicorn_config",
        "--threads",
        "4",
    ]
    log = Path(data_dir) / "web.log"
    with log.open("wb") as out:
        web = subprocess.Popen(
            [sys.executable, "-m", *command, "-b", f"127.0.0.1:{PORT}", "portal.wsgi"],
            cwd=ROOT, env={**os.environ, "DATA_DIR": data_dir}, stdout=out, stderr=out,
        )  # fmt: skip
    over = threading.Event()
    beats = threading.Thread(target=_beat, args=(over,), daemon=True)
    try:
        _wait()
        beats.start()
        yield
    finally:
        over.set()
        web.terminate()
        web.wait(30)


def _wait() -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{BASE}/healthz", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise TimeoutError("The web process does not answer.")


def _beat(over: threading.Event) -> None:
    from tests.browser.realistic_surroundings import beat

    while not over.wait(BEAT_SECONDS):
        beat()


def session_of(email: str) -> str:
    """The session cookie of somebody who has signed in."""
    from django.conf import settings
    from django.test import Client

    from exports.models import User

    client = Client()
    client.force_login(User.objects.get(email=email))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def open_context(browser: Browser, theme: str, session: str) -> BrowserContext:
    """A browser with this theme, signed in."""
    from django.conf import settings

    context = browser.new_context(**THEMES[theme], locale="en-GB", timezone_id="Europe/Paris", reduced_motion="reduce")
    if session:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": BASE}])
    return context


def take(page: Page, shot: Shot, path: Path) -> None:
    """One picture."""
    if shot.html:
        page.route(BASE + shot.path, lambda route: route.fulfill(body=shot.html, content_type="text/html"))
    page.goto(BASE + shot.path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(100)
    page.screenshot(path=path, full_page=True, animations="disabled")


@contextlib.contextmanager
def filled_folder() -> Iterator[str]:
    """A folder with the realistic team, of which Django is set up in this process."""
    given = os.environ.get("DATA_DIR", "")
    with tempfile.TemporaryDirectory() if not given else contextlib.nullcontext(given) as folder:
        fill = realistic_team.set_up(folder)
        # Playwright runs an event loop in this thread, which Django would take for a mistake.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        from exports.models import Team

        if not Team.objects.exists():
            fill()
        yield folder


def main(out: Path, *parts: str) -> None:
    """Takes them all, or those with a part in their name."""
    out.mkdir(parents=True, exist_ok=True)
    with filled_folder() as folder, running_portal(folder), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        chosen = [shot for shot in shots() if not parts or any(part in shot.name for part in parts)]
        sessions = {who: session_of(who) if who else "" for who in {shot.who for shot in chosen}}
        for theme in THEMES:
            for who, session in sessions.items():
                context = open_context(browser, theme, session)
                page = context.new_page()
                for shot in chosen:
                    if shot.who == who:
                        take(page, shot, out / f"{shot.name}-{theme}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

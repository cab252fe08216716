"""Fetches everything that can be seen: every page as the owner, the admin site as staff, the API by a token."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from exports import admin as _pages  # noqa: F401  registers the models
from exports.api.urls import api
from exports.models import Alert, Export, Member, OutboxMessage, Schedule, User, Webhook
from tests.helpers import factories, page_routes
from tests.helpers.cast import Cast
from tests.helpers.secret_search import Documents


def crawl_everything(cast: Cast, exports: Iterable[Export], token: str) -> Documents:
    """All rounds. Of exports that ended alike one is looked at: the rows of all of them are read elsewhere."""
    exports = one_of_each_outcome(exports)
    yield from fetch_pages(cast.owner, [*_visits(cast), *page_paths(cast, exports)])
    yield from fetch_pages(None, ["/sign-in/", "/invitations/nothing/", "/nothing/", "/admin/login/"])
    yield from fetch_pages(staff_user(), admin_paths(exports))
    yield from fetch_pages(None, api_paths(exports), token)
    yield from model_reprs()


def staff_user() -> User:
    """Somebody of the portal's staff."""
    return User.objects.filter(is_superuser=True).first() or factories.staff_user()


def one_of_each_outcome(exports: Iterable[Export]) -> list[Export]:
    """One export of each provider and end."""
    found = {(one.project.credential.provider, one.status, one.error_code): one for one in exports}
    return list(found.values())


def fetch_pages(who: Any, addresses: Iterable[str], token: str = "") -> Documents:
    """What somebody is answered: status, headers and body."""
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"} if token else None)
    if who is not None:
        client.force_login(who.user if isinstance(who, Member) else who)
    for address in addresses:
        # With a base path, links begin with it, and the server in front of Django takes it away.
        answer: Any = client.get(address.removeprefix(settings.BASE_PATH))
        assert answer.status_code != 500, address
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        head = "\n".join(f"{name}: {value}" for name, value in answer.items())
        yield f"GET {address}", f"{answer.status_code}\n{head}\n".encode() + body


def model_reprs() -> Documents:
    """repr and str of every row."""
    for model in apps.get_app_config("exports").get_models():
        for row in model._default_manager.all():
            yield f"repr of {model.__name__}", f"{row!r} {row}".encode()


def _visits(cast: Cast) -> Iterator[str]:
    numbers = page_routes.create_sample_data(cast)
    for name, places in page_routes.PAGES.items():
        for visit in places:
            # An invitation's page is for who holds its link: it names itself.
            if name not in ("web:invitation", "web:sign-out"):
                yield page_routes.visit_url(name, visit, numbers)


def page_paths(cast: Cast, exports: list[Export]) -> Iterator[str]:
    """Every page of these exports, and of what they belong to."""
    slug = cast.team.slug
    for export in exports:
        for name in ("export", "calls", "preview", "retry", "file"):
            yield reverse(f"web:{name}", args=[slug, export.pk])
    for credential in {export.project.credential for export in exports}:
        yield reverse("web:credential", args=[slug, credential.pk])
        yield reverse("web:add-project-of", args=[slug, credential.pk])
    for project in {export.project.credential.provider: export.project for export in exports}.values():
        yield reverse("web:project", args=[slug, project.pk])
        for kind in project.provider.kinds:
            yield reverse("web:ask", args=[slug, project.pk, kind.type])
    yield reverse("web:history", args=[slug])


def admin_paths(exports: list[Export]) -> Iterator[str]:
    """The admin site's lists, and some of the rows of each; of exports the given ones."""
    chosen = {export.pk for export in exports}
    yield "/admin/"
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        rows = list(model._default_manager.all()[:20])
        if model is Export:
            rows = [row for row in rows if row.pk in chosen]
        for row in rows[:6]:
            yield reverse(f"{name}_change", args=[row.pk])


def api_paths(exports: list[Export]) -> Iterator[str]:
    """Everything that the API tells of these exports, and all else that it tells."""
    project, credential = exports[0].project_id, exports[0].project.credential_id
    models = {"schedule_id": Schedule, "alert_id": Alert, "webhook_id": Webhook, "delivery_id": OutboxMessage}
    others = {
        name: model._default_manager.order_by("pk").values_list("pk", flat=True).first() or 0
        for name, model in models.items()
    }
    for path, operations in api.get_openapi_schema()["paths"].items():
        if "get" not in operations:
            continue
        ids = [export.pk for export in exports] if "{export_id}" in path else [0]
        for number in ids:
            yield path.format(export_id=number, project_id=project, credential_id=credential, **others)
    yield from ("/api/docs", "/api/v1/openapi.json", "/api/v1/nothing")

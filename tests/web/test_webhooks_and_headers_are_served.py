"""Endpoints for machines: webhooks, and headers on every response."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import Export
from exports.queue import inbound_webhooks
from tests.helpers import factories
from tests.helpers.cast import Cast


def test_a_webhook_brings_the_next_poll_forward(cast: Cast) -> None:
    export = factories.processing_export(cast)
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"/hooks/{export.pk}/{inbound_webhooks.url_signature(export.pk)}", {"progress": 100})
    assert (answer.status_code, answer.content) == (204, b"")
    export.refresh_from_db()
    assert export.next_step_at is not None
    assert export.next_step_at <= timezone.now()
    assert export.progress == 40.0, "nothing it says is believed"


@pytest.mark.parametrize("tail", ["1/wrong", "1/", "nonsense", "99999999999999999999999/ä", "1/a/b", "-1/x"])
@pytest.mark.parametrize("method", ["post", "get", "put"])
def test_a_forged_webhook_gets_the_same_answer_and_changes_nothing(cast: Cast, tail: str, method: str) -> None:
    export = factories.processing_export(cast)
    later = timezone.now() + timedelta(minutes=5)
    Export.objects.filter(pk=export.pk).update(next_step_at=later)
    answer = getattr(Client(enforce_csrf_checks=True), method)(f"/hooks/{tail}")
    assert (answer.status_code, answer.content) == (204, b"")
    export.refresh_from_db()
    assert export.next_step_at == later


def test_a_huge_or_broken_body_is_ignored(cast: Cast) -> None:
    export = factories.processing_export(cast)
    path = f"/hooks/{export.pk}/{inbound_webhooks.url_signature(export.pk)}"
    for body in (b"x" * 5_000_000, b"\xff\xfe{", b""):
        assert Client().post(path, body, content_type="application/json").status_code == 204


@pytest.mark.parametrize("path", ["/sign-in/", "/healthz", "/nothing", "/static/exports/portal.css", "/admin/login/"])
@pytest.mark.django_db
def test_every_response_has_the_security_headers(client: Client, path: str) -> None:
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    answer.close()


def test_pages_are_not_kept_in_shared_caches(as_member: Client) -> None:
    assert "private" in as_member.get("/t/the-team/")["Cache-Control"]


@pytest.mark.parametrize("path", ["", "exports/", "projects/", "credentials/", "new/"])
def test_pages_contain_no_inline_scripts_or_styles(as_owner: Client, cast: Cast, path: str) -> None:
    factories.processing_export(cast)
    page = as_owner.get(f"/t/the-team/{path}").content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert "<script>" not in page
    assert "//cdn" not in page

"""A provider that repeats what it was sent shows a team's viewer nothing of it: in no page, no answer, no row."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Token
from tests.helpers import secret_search
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.raw_server import run_raw_server, sized
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export, run_to_end

SECRETS = {"client_id": "Hn4wQz7Lp2", "client_secret": "vT9/kX3+mR6=bJ8yWc1s", "refresh_token": "Gd5uNf0aEo2iKq6hZx4t"}
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: quote(text, safe="").lower(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hex": lambda text: text.encode().hex(),
    "html of json": lambda text: html.escape(json.dumps(text)[1:-1].replace("/", "\\/")),
}


def pieces(text: str) -> set[str]:
    """Every eight characters in a row, in lower case."""
    lower = text.lower()
    return {lower[at : at + 8] for at in range(len(lower) - 7)}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("padding", [0, 190, 283, 480])
def test_nothing_of_it_is_kept_or_shown(cast: Cast, settings: Settings, name: str, padding: int) -> None:
    spell = SPELLINGS[name]

    def refuse(head: bytes) -> bytes:
        header = next(line for line in head.decode().split("\r\n") if line.lower().startswith("authorization"))
        basic = header.rpartition(" ")[2]
        sent = [basic, base64.b64decode(basic).decode(), *SECRETS.values()]
        said = "x" * padding + " ".join(map(spell, sent))
        return sized(json.dumps([{"classification": "Bad", "message": said}]).encode(), status="400 Bad Request")

    with run_raw_server() as host:
        settings.PRIVATE_HOSTS = (host.host,)
        host.on("POST /oauth2/token/", refuse)
        credential = cast.credential(TABLES, host.origin, secrets=SECRETS)
        export = run_to_end(request_export(cast.project(TABLES, credential=credential), cast.member, "orders", "csv"))
        assert export.status == states.FAILED
        owner = Client(headers={"Authorization": f"Bearer {Token.issue(cast.owner)}"})
        check = owner.post(f"/api/v1/credentials/{credential.pk}/check", {}, content_type="application/json")
    viewer = Client(headers={"Authorization": f"Bearer {Token.issue(cast.viewer)}"})
    shown = [viewer.get(f"/api/v1/exports/{export.pk}{tail}").content for tail in ("", "/history", "/calls")]
    shown += [client_of(cast.viewer).get(f"/t/{cast.team.slug}/exports/{export.pk}/").content, check.content]
    shown += [content for _, content in secret_search.database_rows()]
    basic = base64.b64encode(f"{SECRETS['client_id']}:{SECRETS['client_secret']}".encode()).decode()
    hidden = set().union(*(pieces(spell(word)) | pieces(word) for word in (basic, *SECRETS.values())))
    assert [piece for piece in hidden if any(piece.encode() in content.lower() for content in shown)] == []

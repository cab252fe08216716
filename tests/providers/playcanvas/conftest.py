"""A client of PlayCanvas, and jobs as the documents show them."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.playcanvas import PlayCanvas
from exports.transport.client import Client

TOKEN = "n3zd1xbs5ly0mmydxfbx3cr8zfgsz5zf"
EXPORT = "POST /api/projects/100001/export"
DOWNLOAD = "POST /api/apps/download"
LINK = "https://files.example.org/a/archive.zip?signature=abc"
APP = {"name": "My game", "scenes": [7, 5]}


def answer(status: str = "running", **more: Any) -> dict[str, Any]:
    """A job of project 100001."""
    return {
        "id": 4242,
        "created_at": "2025-10-21T12:42:13.331Z",
        "modified_at": "2025-10-21T12:43:00.000Z",
        "status": status,
        "messages": [],
        "data": {"project": {"id": 100001}},
        **more,
    }


def archive(**more: Any) -> Job:
    return Job(**{"project": "100001", "type": "archive", "format": "zip", **more})


def app(**more: Any) -> Job:
    return Job(**{"project": "100001", "type": "app", "format": "zip", "options": APP, **more})


@pytest.fixture
def playcanvas() -> PlayCanvas:
    return PlayCanvas()


@pytest.fixture
def client(connect: Callable[..., Client], playcanvas: PlayCanvas) -> Client:
    return connect(playcanvas, {"token": TOKEN}, dialect="current")


@pytest.fixture
def seed_client(connect: Callable[..., Client], playcanvas: PlayCanvas) -> Client:
    return connect(playcanvas, {"token": TOKEN}, dialect="seed")

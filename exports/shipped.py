"""The services that come with the portal, a line each: the one list that a new one is added to."""

from importlib import import_module
from typing import Any, Final

# Slug to the name of two classes: the provider in `exports/providers/SLUG`, its stand-in in
# `exports/sandbox/services/SLUG`. The order is the one that people see.
CLASSES: Final = {
    "playcanvas": "PlayCanvas",
    "aistudios": "AIStudios",
    "toloka": "Toloka",
    "ulule": "Ulule",
    "gitlab": "GitLab",
    "github": "GitHub",
    "youtrack": "YouTrack",
}


def load_classes(package: str) -> tuple[Any, ...]:
    """The class of each service in that package. Raises ImportError, AttributeError where a line has no class."""
    return tuple(getattr(import_module(f"{package}.{slug}"), name) for slug, name in CLASSES.items())

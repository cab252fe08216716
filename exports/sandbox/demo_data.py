"""The demo team: credentials and projects of the stand-in providers, and one export request of each kind."""

from collections.abc import Mapping
from typing import Any, Final

from exports.sandbox.registry import DECLARATIONS

TEAM_NAME: Final = "Demo"
TEAM_SLUG: Final = "demo"
OWNER_EMAIL: Final = "demo@example.org"
OWNER_NAME: Final = "Demo Owner"

# The secrets that each stand-in accepts, by the provider's slug, which is also its prefix on the stand-ins' port.
CREDENTIALS: Final[dict[str, dict[str, str]]] = {slug: dict(one.secrets) for slug, one in DECLARATIONS.items()}
# (provider, its id there, its name here): a project that supports all export types of its provider.
PROJECTS: Final[tuple[tuple[str, str, str], ...]] = tuple(
    (slug, one.project_id, f"{one.project_name} (stand-in)") for slug, one in DECLARATIONS.items()
)
# (provider, type, format, options): one export of each kind.
EXPORT_REQUESTS: Final[tuple[tuple[str, str, str, Mapping[str, Any]], ...]] = tuple(
    (slug, request.type, request.format, request.options)
    for slug, one in DECLARATIONS.items()
    for request in one.exports
)

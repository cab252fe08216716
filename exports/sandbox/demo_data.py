"""The demo team: credentials and projects of the stand-in providers, and one export request of each kind."""

from typing import Any, Final

TEAM_NAME: Final = "Demo"
TEAM_SLUG: Final = "demo"
OWNER_EMAIL: Final = "demo@example.org"
OWNER_NAME: Final = "Demo Owner"

# The secrets that each stand-in accepts, by the provider's slug, which is also its prefix on the stand-ins' port.
CREDENTIALS: Final[dict[str, dict[str, str]]] = {
    "playcanvas": {"token": "sandbox-token"},
    "aistudios": {"app_id": "sandbox-app", "user_key": "sandbox-key"},
    "toloka": {"token": "sandbox-token", "scheme": "OAuth"},
    "ulule": {"api_key": "sandbox-key"},
}
# (provider, its id there, its name here); the first project of a provider supports all its export types.
PROJECTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("playcanvas", "100001", "Lighthouse (stand-in)"),
    ("aistudios", "65fa6b07dca2e367461a2925", "Welcome video (stand-in)"),
    ("toloka", "10", "Street signs (stand-in)"),
    ("ulule", "4001", "Bakery campaign (stand-in)"),
)
# (provider, type, format, options): one export of each kind.
EXPORT_REQUESTS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("playcanvas", "archive", "zip", {}),
    ("playcanvas", "app", "zip", {"name": "Lighthouse", "scenes": [1000011]}),
    ("aistudios", "video", "mp4", {}),
    ("toloka", "archive", "none", {}),
    ("ulule", "orders", "csv", {}),
)

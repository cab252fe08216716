"""Lists the projects of providers that are due, a few at a time, and protects the new ones where that is wanted."""

import time
from typing import Final

from exports.credentials.discovery import claim, discover, due
from exports.exporting.auto_protection import protect_listed
from exports.models import AutoProtection

# It runs every minute in a slot of `portal.control`, which dispatches need too.
RUN_SECONDS: Final = 30.0
MAX_CREDENTIALS: Final = 20


def run_discovery() -> None:
    """Lists the projects of due credentials, as long as RUN_SECONDS are not over, then protects what is new."""
    ends_at = time.monotonic() + RUN_SECONDS
    for credential in due()[:MAX_CREDENTIALS]:
        if claim(credential):
            discover(credential)
        if time.monotonic() > ends_at:
            break
    wanted = AutoProtection.objects.filter(disabled_reason="", credential__deleted_at=None)
    for row in wanted.select_related("credential__team", "owner").order_by("pk").iterator():
        protect_listed(row)
        if time.monotonic() > ends_at:
            break

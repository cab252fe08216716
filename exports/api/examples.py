"""Examples of calls and answers, recorded by the test suite (`make api-examples`); a test keeps them true."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

EXAMPLES_FILE: Final = Path(__file__).with_name("examples.json")
SIGNATURE_CHECK_FILE: Final = Path(__file__).with_name("verify_webhook.txt")
# Stands in the file for the address of the portal.
PORTAL: Final = "https://portal.example"


@cache
def load_examples() -> dict[str, Any]:
    """Returns `calls` by operation, each with `answers` by status, and `errors` by status."""
    loaded: dict[str, Any] = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    return loaded


@cache
def load_signature_check() -> str:
    """Returns Python that checks a webhook's signature, the same as in docs/recipes/verify-a-webhook.md."""
    return SIGNATURE_CHECK_FILE.read_text(encoding="utf-8")

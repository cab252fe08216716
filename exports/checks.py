"""System checks: what would otherwise be prose in a README."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from exports.providers.registry import PROVIDERS
from exports.storage.verify import CONTENT_TYPES


@register()
def check_provider_declarations(**_: Any) -> Sequence[CheckMessage]:
    """Every provider's declaration is complete: the engine can verify each format, and words are lower case."""
    found: list[CheckMessage] = []
    for slug, provider in PROVIDERS.items():
        if provider.slug != slug:
            found.append(Error(f"{slug} is registered under another slug.", id="exports.E001"))
        if not provider.origins or not provider.kinds:
            found.append(Error(f"{slug} declares no origin or no kind.", id="exports.E002"))
        for kind in provider.kinds:
            strange = [name for name in kind.formats if name != "none" and name not in CONTENT_TYPES]
            if strange:
                found.append(
                    Error(f"{slug} {kind.type}: the format {strange[0]} cannot be verified.", id="exports.E003")
                )
            for option in filter(None, (kind.relay_option, *kind.options_with_choices)):
                if option not in kind.options.base_fields:
                    found.append(Error(f"{slug} {kind.type} has no option {option}.", id="exports.E004"))
        if any(word != word.lower() for word in provider.status_map):
            found.append(Error(f"{slug}: status words are declared in lower case.", id="exports.E005"))
    return found

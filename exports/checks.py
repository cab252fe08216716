"""Django system checks of the providers' declarations."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from exports.providers.registry import PROVIDERS
from exports.storage.verify import CONTENT_TYPES


@register()
def check_provider_declarations(**_: Any) -> Sequence[CheckMessage]:
    """Checks that declarations are complete, formats can be verified, and status words are lower case."""
    messages: list[CheckMessage] = []
    for slug, provider in PROVIDERS.items():
        if provider.slug != slug:
            messages.append(Error(f"{slug} is registered under another slug.", id="exports.E001"))
        if not provider.origins or not provider.kinds:
            messages.append(Error(f"{slug} declares no origin or no kind.", id="exports.E002"))
        for kind in provider.kinds:
            unknown = [name for name in kind.formats if name != "none" and name not in CONTENT_TYPES]
            if unknown:
                messages.append(
                    Error(f"{slug} {kind.type}: the format {unknown[0]} cannot be verified.", id="exports.E003")
                )
            for option in filter(None, (kind.relay_option, *kind.options_with_choices)):
                if option not in kind.options.base_fields:
                    messages.append(Error(f"{slug} {kind.type} has no option {option}.", id="exports.E004"))
        if any(word != word.lower() for word in provider.status_map):
            messages.append(Error(f"{slug}: status words are declared in lower case.", id="exports.E005"))
    return messages

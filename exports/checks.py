"""Django system checks of the providers' declarations."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from exports import formats
from exports.providers.registry import PACKAGES, PROVIDERS


@register()
def check_provider_declarations(**_: Any) -> Sequence[CheckMessage]:
    """Checks that declarations are complete, formats can be verified, and status words are lower case."""
    messages: list[CheckMessage] = []
    for slug, provider in PROVIDERS.items():
        if provider.slug != slug:
            messages.append(Error(f"{slug} is registered under another slug.", id="exports.E001"))
        if not provider.kinds:
            messages.append(Error(f"{slug} declares no kind.", id="exports.E002"))
        for kind in provider.kinds:
            unknown = [name for name in kind.formats if name != formats.NO_FORMAT and not formats.is_declared(name)]
            if unknown:
                messages.append(
                    Error(f"{slug} {kind.type}: the format {unknown[0]} cannot be verified.", id="exports.E003")
                )
            preset_options = [name for preset in kind.presets for name in preset.options]
            for option in filter(None, (kind.relay_option, *kind.options_with_choices, *preset_options)):
                if option not in kind.options.base_fields:
                    messages.append(Error(f"{slug} {kind.type} has no option {option}.", id="exports.E004"))
        if any(word != word.lower() for word in provider.status_map):
            messages.append(Error(f"{slug}: status words are declared in lower case.", id="exports.E005"))
    return messages


@register()
def check_provider_packages(**_: Any) -> Sequence[CheckMessage]:
    """Checks that the provider of every installed package can be used (docs/decisions/0031)."""
    return [Error(package.problem, id="exports.E006") for package in PACKAGES if package.problem]

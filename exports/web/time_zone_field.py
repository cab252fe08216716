"""A field that chooses a time zone. Its five hundred options are written once: a template takes long for them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Choices = list[tuple[str, Any]]


@lru_cache(maxsize=1)
def time_zone_choices() -> Choices:
    """Returns UTC and every time zone grouped by region. Other names without a region are deprecated aliases."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in ("Etc", "SystemV", "US", "posix", "right"):
            regions.setdefault(region, []).append((name, place.replace("_", " ")))
    return [("UTC", "UTC"), *regions.items()]


@lru_cache(maxsize=1)
def _offered() -> frozenset[str]:
    return frozenset({"UTC", *(name for _, places in time_zone_choices()[1:] for name, _ in places)})


def is_offered_zone(name: str) -> bool:
    """Whether the field offers the zone."""
    return name in _offered()


@lru_cache(maxsize=1)
def _options() -> SafeString:
    groups = (
        (region, format_html_join("", '<option value="{}">{}</option>', places))
        for region, places in time_zone_choices()[1:]
    )
    return format_html(
        '<option value="UTC">UTC</option>{}', format_html_join("", '<optgroup label="{}">{}</optgroup>', groups)
    )


class TimeZoneSelect(forms.Select):
    """Renders `empty_label` for "", if there is one, and the zones."""

    empty_label = ""

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """Returns the element."""
        all_attrs = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        empty = format_html('<option value="">{}</option>', self.empty_label) if self.empty_label else SafeString("")
        chosen = format_html('value="{}"', value or "")
        options = SafeString((empty + _options()).replace(chosen, f"{chosen} selected", 1))
        return format_html("<select{}>{}</select>", flatatt(all_attrs), options)


class TimeZoneField(forms.ChoiceField):
    """A time zone by its name; with `empty_label` also "", which that label stands for."""

    widget = TimeZoneSelect

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=time_zone_choices, **options)

    def offer_empty(self, label: str) -> None:
        """Offers no zone as well."""
        self.choices = [("", label), *time_zone_choices()]
        self.widget.empty_label = label

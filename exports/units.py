"""Bytes and numbers in words, in the active language."""

from typing import Final

from django.utils import formats
from django.utils.translation import gettext_lazy as _

SIZE_UNITS: Final = (_("B"), _("KB"), _("MB"), _("GB"), _("TB"), _("PB"))


def size(count: int, space: str = " ") -> str:
    """Bytes in SI units, as in "63.3 KB" and "184 MB": one decimal below 100. `space` stands before the unit."""
    value, unit = float(count), 0
    # 999.6 would be rounded to 1000 of this unit.
    while value >= 999.5 and unit < len(SIZE_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    decimals = 1 if unit and value < 99.95 else 0
    return f"{formats.number_format(f'{value:.{decimals}f}')}{space}{SIZE_UNITS[unit]}"


def number(count: int) -> str:
    """A number with the language's sign between thousands: "1,284"."""
    return formats.number_format(count, force_grouping=True)

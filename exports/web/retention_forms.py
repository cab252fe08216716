"""The form of a retention rule, and a rule in words."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from exports.exporting.retention_rules import LARGEST
from exports.storage.retention import KEEPING, Rule

GIGABYTE: Final = 10**9


def _number(name: str, label: Any, help_text: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"})
    return forms.IntegerField(
        label=label, help_text=help_text, required=False, min_value=1, max_value=LARGEST[name], widget=widget
    )


class RetentionForm(forms.Form):
    """The numbers of a rule; an empty field is none."""

    keep_last = _number(
        "keep_last", gettext_lazy("Keep the last files"), gettext_lazy("So many of each project, type and format.")
    )
    keep_days = _number("keep_days", gettext_lazy("Keep files for days"), gettext_lazy("Counted from the export."))
    keep_daily = _number(
        "keep_daily", gettext_lazy("Keep one a day"), gettext_lazy("The last of each day, for so many days with files.")
    )
    keep_weekly = _number(
        "keep_weekly", gettext_lazy("Keep one a week"), gettext_lazy("The last of each week, for so many weeks.")
    )
    keep_monthly = _number(
        "keep_monthly", gettext_lazy("Keep one a month"), gettext_lazy("The last of each month, for so many months.")
    )
    max_gb = forms.DecimalField(
        label=gettext_lazy("Keep at most, in GB"),
        help_text=gettext_lazy("What is above goes, the oldest first, even if a number above keeps it."),
        required=False,
        min_value=Decimal(1) / GIGABYTE,
        max_value=LARGEST["max_bytes"] // GIGABYTE,
        max_digits=19,
        decimal_places=9,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "decimal", "step": "any"}),
    )

    @staticmethod
    def initial_of(rule: Rule) -> dict[str, Any]:
        """The values of the fields for a rule."""
        gigabytes = None if rule.max_bytes is None else f"{Decimal(rule.max_bytes) / GIGABYTE:f}"
        return {**{name: getattr(rule, name) for name in KEEPING}, "max_gb": gigabytes}

    @property
    def rule(self) -> Rule:
        """The rule of a valid form."""
        gigabytes = self.cleaned_data["max_gb"]
        numbers = {name: self.cleaned_data[name] for name in KEEPING}
        return Rule(**numbers, max_bytes=None if gigabytes is None else int(gigabytes * GIGABYTE))


class TeamRetentionForm(RetentionForm):
    """The team's rule, and how long before a file goes its owner is told."""

    notice_days = forms.IntegerField(
        label=gettext_lazy("Mail before a file goes that nobody downloaded, in days"),
        help_text=gettext_lazy("To the person who requested it. 0: no mail."),
        min_value=0,
        max_value=90,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )


def explain(numbers: str, rule: Rule) -> str:
    """Why a file goes, in words. `numbers`: names of numbers of the rule, as in "keep_last, keep_days"."""
    return "; ".join(_explain_one(name, getattr(rule, name) or 0) for name in numbers.split(", ")).capitalize()


def _explain_one(name: str, number: int) -> str:
    match name:
        case "keep_last":
            return ngettext("not the last one", "not among the last %(n)s", number) % {"n": number}
        case "keep_days":
            return ngettext("older than %(n)s day", "older than %(n)s days", number) % {"n": number}
        case "keep_daily":
            return ngettext("not the last of its day", "not one of %(n)s days", number) % {"n": number}
        case "keep_weekly":
            return ngettext("not the last of its week", "not one of %(n)s weeks", number) % {"n": number}
        case "keep_monthly":
            return ngettext("not the last of its month", "not one of %(n)s months", number) % {"n": number}
    return _("more than the files may take together")

"""Forms of schedules: what a new export takes, and when."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.exporting.branches import MAX_BRANCHES
from exports.exporting.planned_times import MAX_LENGTH, Plan, parse_zone
from exports.exporting.presets import CUSTOM, DAILY, HOURLY, LAST_DAY, MONTHLY, WEEKLY, Preset, parse_preset
from exports.exporting.schedules import MAX_SPREAD_MINUTES, ScheduleRequest
from exports.models import Export, Project, Schedule
from exports.providers.contract import Kind
from exports.web.forms import NewExportForms, RequestForm
from exports.web.time_zone_field import TimeZoneField

FREQUENCIES: Final = (
    (HOURLY, _l("Hourly")),
    (DAILY, _l("Daily")),
    (WEEKLY, _l("Weekly")),
    (MONTHLY, _l("Monthly")),
    (CUSTOM, _l("Cron")),
)
WEEKDAYS: Final = (
    ("1", _l("Mon")),
    ("2", _l("Tue")),
    ("3", _l("Wed")),
    ("4", _l("Thu")),
    ("5", _l("Fri")),
    ("6", _l("Sat")),
    ("7", _l("Sun")),
)
DAYS: Final = (*((str(day), str(day)) for day in range(1, 29)), (LAST_DAY, _l("last")))


class TimesForm(forms.Form):
    """When a schedule runs. `plan` and `cron` hold the result when it is valid."""

    frequency = forms.ChoiceField(
        label=_l("When"), choices=FREQUENCIES, initial=DAILY, widget=forms.RadioSelect, required=False
    )
    time = forms.TimeField(
        label=_l("At"),
        initial=time(2),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time", "class": "input"}, format="%H:%M"),
    )
    weekdays = forms.MultipleChoiceField(
        label=_l("On"), choices=WEEKDAYS, initial=["1"], required=False, widget=forms.CheckboxSelectMultiple
    )
    day = forms.ChoiceField(label=_l("Day of the month"), choices=DAYS, initial="1", required=False)
    cron = forms.CharField(
        label=_l("Cron expression"),
        max_length=MAX_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_l(
            "Minute, hour, day of the month, month, day of the week: 0 2 * * 1-5 is 02:00 from Monday to Friday."
        ),
    )
    time_zone = TimeZoneField(label=_l("Time zone"), required=False)
    spread_minutes = forms.IntegerField(
        label=_l("Spread over minutes"),
        min_value=0,
        max_value=MAX_SPREAD_MINUTES,
        initial=0,
        required=False,
        widget=forms.NumberInput(attrs={"class": "input narrow-in"}),
        help_text=_l("Starts up to this many minutes later, so that many schedules do not start at once."),
    )

    def __init__(
        self, project: Project, data: QueryDict | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.project = project
        zone = self.fields["time_zone"]
        assert isinstance(zone, TimeZoneField)  # noqa: S101  for the type checker
        zone.offer_empty(_("%(zone)s (the team's)") % {"zone": project.team.time_zone})

    def clean(self) -> dict[str, Any]:
        """Adds `cron` and `plan`."""
        super().clean()
        # `add_error` takes the field's value away.
        data = dict(self.cleaned_data)
        data["spread_minutes"] = data.get("spread_minutes") or 0
        if self.errors:
            return data
        cron = self._cron(data)
        if cron and not self.errors:
            try:
                self.plan = Plan.parse(cron, parse_zone(data["time_zone"] or self.project.team.time_zone))
            except ValueError as error:
                self.add_error("cron", str(error))
            data["cron"] = cron
        return data

    def _cron(self, data: Mapping[str, Any]) -> str:
        frequency = data["frequency"] or DAILY
        if frequency == CUSTOM:
            if not data["cron"]:
                self.add_error("cron", _("Give a cron expression."))
            return str(data["cron"])
        if frequency == WEEKLY and not data["weekdays"]:
            self.add_error("weekdays", _("Choose at least one day."))
        at = data["time"] or time(0)
        weekdays = tuple(int(number) for number in data["weekdays"])
        return Preset(frequency, at.minute, at.hour, weekdays, data["day"] or "1").cron

    def next_runs(self) -> list[datetime]:
        """Returns the next five planned times; none where the form is not valid."""
        return self.plan.next_times(clock.now()) if self.is_bound and self.is_valid() else []

    @property
    def zone_name(self) -> str:
        """The time zone of the planned times: the chosen one, or the team's."""
        return self.plan.zone.key if self.is_bound and self.is_valid() else self.project.team.time_zone


def times_of(schedule: Schedule) -> dict[str, Any]:
    """Returns the initial values of a TimesForm."""
    initial: dict[str, Any] = {
        "time_zone": schedule.time_zone,
        "spread_minutes": schedule.spread_minutes,
        "cron": schedule.cron,
        "frequency": CUSTOM,
    }
    if (preset := parse_preset(schedule.cron)) is not None and (preset.day == LAST_DAY or int(preset.day) <= len(DAYS)):
        initial |= {"frequency": preset.frequency, "time": time(preset.hour, preset.minute), "day": preset.day}
        initial["weekdays"] = [str(number) for number in preset.weekdays]
    return initial


class ScheduledRequestForm(RequestForm):
    """The fields of a scheduled export besides the kind's own options."""

    all_branches = forms.BooleanField(label=_l("Every branch"), required=False)

    def __init__(self, project: Project, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(project, kind, *args, **kwargs)
        del self.fields["allow_twin"], self.fields["key"]
        text = _("One export for each branch that there is then, at most %(count)s.")
        self.fields["all_branches"].help_text = text % {"count": MAX_BRANCHES}
        if not kind.branch_option:
            del self.fields["all_branches"]


class ScheduleForms(NewExportForms):
    """The forms of a schedule: those of a new export, and the times.

    `schedule`: the one that is changed; `source`: an export whose options a new one begins with.
    """

    form_class = ScheduledRequestForm

    def __init__(
        self,
        project: Project,
        kind: Kind,
        data: QueryDict | None = None,
        schedule: Schedule | None = None,
        source: Export | None = None,
        preset: str = "",
    ) -> None:
        like = schedule or source
        initial = {**like.options, self.FORMAT_KEY: like.format} if like else None
        super().__init__(project, kind, data, initial, preset)
        if schedule and schedule.all_branches:
            self.form.initial["all_branches"] = True
        self.times = TimesForm(project, data, times_of(schedule) if schedule else None)

    def is_valid(self) -> bool:
        """Whether all three forms are valid."""
        return all([super().is_valid(), self.times.is_valid()])

    def fields(self) -> dict[str, Any]:
        """Returns the fields of a ScheduleRequest, but `enabled`. Call it when valid."""
        times = self.times.cleaned_data
        request = self.to_request()
        return {
            "type": request.type,
            "format": request.format,
            "options": request.options,
            "options_form": request.options_form,
            "confirm": request.confirm,
            "all_branches": bool(self.form.cleaned_data.get("all_branches")),
            "cron": times["cron"],
            "time_zone": times["time_zone"],
            "spread_minutes": times["spread_minutes"],
        }

    def to_schedule_request(self) -> ScheduleRequest:
        """Returns the request for a new schedule. Call it when valid."""
        return ScheduleRequest(**self.fields())

    def add_schedule_errors(self, errors: Mapping[str, list[str]]) -> list[str]:
        """Adds errors of the service to their fields; returns the texts that belong to no field."""
        own = {name: texts for name, texts in errors.items() if name in self.times.fields}
        for name, texts in own.items():
            self.times.add_error(name, list(texts))
        return self.add_errors({name: texts for name, texts in errors.items() if name not in own})

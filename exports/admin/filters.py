"""Filters of the lists. One with `is_indexed` is answered by an index; the others look through a bounded part."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock, states
from exports.metrics.backlog import is_stuck
from exports.models import Project, Team, outbox
from exports.providers import registry
from exports.templatetags.elements import STATUS_DISPLAY

DUE, STUCK = "due", "stuck"
Choices = Iterable[tuple[str, Any]]
MAX_ID: Final = 2**63 - 1


class OwnFilter(SimpleListFilter):
    """Base class: choices that are known beforehand, so that none is looked for in the table."""

    indexed_values: frozenset[str] = frozenset()

    @property
    def is_indexed(self) -> bool:
        """Whether the chosen value is answered by an index."""
        return self.value() in self.indexed_values

    def has_output(self) -> bool:
        """Whether it is offered, or chosen."""
        return bool(self.lookup_choices)


class StatusFilter(OwnFilter):
    """The status of exports; of open ones also what is due and what is stuck."""

    title = _l("Status")
    parameter_name = "status"
    indexed_values = frozenset({*states.OPEN, DUE, STUCK})

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """The five statuses, then the two conditions."""
        labels = [(status, STATUS_DISPLAY[status][2]) for status in states.STATUSES]
        return [*labels, (DUE, _("Due now")), (STUCK, _("Stuck"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Open exports are found by the index of what is due."""
        value, now = self.value(), clock.now()
        if value == STUCK:
            return queryset.filter(is_stuck(now))
        if value == DUE:
            return queryset.filter(Q(held_until__isnull=True) | Q(held_until__lte=now), next_step_at__lte=now)
        if value in states.OPEN:
            return queryset.filter(status=value, next_step_at__isnull=False)
        return queryset.filter(status=value) if value in states.ENDED else queryset


class StepFilter(OwnFilter):
    """What the engine does next with open exports."""

    title = _l("Next step")
    parameter_name = "step"
    indexed_values = frozenset({states.SUBMIT, states.POLL, states.FETCH})

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """The steps of open exports."""
        return [(step, step) for step in (states.SUBMIT, states.POLL, states.FETCH)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Found by the index of what is due."""
        value = self.value()
        return queryset.filter(step=value, next_step_at__isnull=False) if value in self.indexed_values else queryset


class ErrorFilter(OwnFilter):
    """Why exports failed."""

    title = _l("Error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """All codes."""
        return [(code, code) for code in states.ERROR_CODES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only failed ones have a code."""
        value = self.value()
        return queryset.filter(status=states.FAILED, error_code=value) if value else queryset


class ProviderFilter(OwnFilter):
    """The provider. `provider_path` leads from the row to it."""

    title = _l("Provider")
    parameter_name = "provider"
    provider_path = "project__credential__provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """All providers that the portal knows."""
        return [(slug, provider.label) for slug, provider in registry.PROVIDERS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of the provider."""
        value = self.value()
        return queryset.filter(**{self.provider_path: value}) if value else queryset


class ProjectProviderFilter(ProviderFilter):
    """The provider of projects."""

    provider_path = "credential__provider"


class CredentialProviderFilter(ProviderFilter):
    """The provider of credentials."""

    provider_path = "provider"


class _RelatedFilter(OwnFilter):
    """Rows of one team or project. It is not offered, since links lead to it; once chosen, it is shown."""

    is_indexed = True
    related: Any

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """The chosen one alone, with its name."""
        text = request.GET.get(str(self.parameter_name), "")
        pk = int(text) if text.isascii() and text.isdigit() and int(text) <= MAX_ID else None
        row = self.related.objects.filter(pk=pk).first() if pk is not None else None
        return [(text, str(row) if row else _("none of this number"))] if text else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of the chosen one; none where there is no such thing."""
        value = self.value()
        if value is None:
            return queryset
        if not (value.isascii() and value.isdigit() and int(value) <= MAX_ID):
            return queryset.none()
        return queryset.filter(**{f"{self.parameter_name}_id": int(value)})


class TeamFilter(_RelatedFilter):
    """Rows of one team."""

    title = _l("Team")
    parameter_name = "team"
    related = Team


class ProjectFilter(_RelatedFilter):
    """Rows of one project."""

    title = _l("Project")
    parameter_name = "project"
    related = Project


class DeliveryFilter(OwnFilter):
    """Whether a message arrived."""

    title = _l("State")
    parameter_name = "state"
    indexed_values = frozenset({outbox.WAITING, outbox.FAILED})

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """The three states."""
        return [(outbox.WAITING, _("Waiting")), (outbox.SENT, _("Sent")), (outbox.FAILED, _("Given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What waits, and what was given up, have an index each."""
        value = self.value()
        if value == outbox.WAITING:
            return queryset.filter(due_at__isnull=False)
        if value == outbox.FAILED:
            return queryset.filter(due_at__isnull=True, sent_at__isnull=True)
        return queryset.filter(due_at__isnull=True, sent_at__isnull=False) if value == outbox.SENT else queryset


class DeliveryKindFilter(OwnFilter):
    """What kind of message it is."""

    title = _l("Kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """The four kinds."""
        return [(kind, kind) for kind in outbox.KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Messages of the kind."""
        value = self.value()
        return queryset.filter(kind=value) if value else queryset


class FileStateFilter(OwnFilter):
    """Whether the bytes of a file are here."""

    title = _l("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Kept, deleted, damaged."""
        return [("kept", _("Kept")), ("deleted", _("Deleted")), ("damaged", _("Damaged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Files in the state."""
        conditions = {
            "kept": Q(deleted_at__isnull=True, damaged_at__isnull=True),
            "deleted": Q(deleted_at__isnull=False),
            "damaged": Q(deleted_at__isnull=True, damaged_at__isnull=False),
        }
        return queryset.filter(conditions.get(str(self.value()), Q()))

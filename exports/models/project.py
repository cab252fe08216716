"""Projects of providers, each reached with a credential."""

from typing import ClassVar

from django.db import models

from exports.models.credential import Credential
from exports.models.team import Team, User
from exports.providers.contract import Provider


class Project(models.Model):
    """A project at a provider. `remote_id` is its id there, by the provider's rule (`Provider.project_id`).

    With `archived_at` it takes no new exports and is in no list or form; its exports and their history stay.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT)
    remote_id = models.CharField("id at the provider", max_length=200)
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    archived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "remote_id"], name="project_once_a_credential"),
            models.CheckConstraint(condition=~models.Q(remote_id=""), name="project_has_remote_id"),
        ]

    def __str__(self) -> str:
        return self.name or self.remote_id

    @property
    def is_archived(self) -> bool:
        """Whether it takes no new exports."""
        return self.archived_at is not None

    @property
    def provider(self) -> Provider:
        """The provider's declaration."""
        return self.credential.provider_definition

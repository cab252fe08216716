"""The team's audit log: who did what to what. Entries stay when their target is deleted."""

from typing import Any, ClassVar

from django.db import models

from exports.models.team import Team, User


class AuditEntry(models.Model):
    """One action of a person in a team. Never edited.

    `verb` is a short word ("invited", "replaced secrets"), `target` names the object as people know it ("credential
    Main account"), `detail` adds to it. `address` is the client's IP address, None for commands.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    actor = models.CharField(max_length=254)
    verb = models.CharField(max_length=40)
    target = models.CharField(max_length=200)
    detail = models.CharField(max_length=500, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["team", "-id"], name="event_of_team"),
            models.Index(fields=["team", "user", "-id"], name="event_of_team_by_user"),
            models.Index(fields=["team", "verb", "-id"], name="event_of_team_by_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Activity is never edited.")
        super().save(*args, **kwargs)

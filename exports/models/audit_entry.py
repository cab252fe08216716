"""Activity: who did what to what, kept when the target goes."""

from typing import Any, ClassVar

from django.db import models

from exports.models.team import Team, User


class AuditEntry(models.Model):
    """One target that somebody did in a team. Never edited.

    `verb` is a short word ("invited", "replaced secrets"), `target` names what it was done to as people know it
    ("credential Main account"), `detail` says more. `address` is where the request came from, empty for commands.
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

"""The one Django app of the portal."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = "Export portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from exports import checks, tasks  # noqa: F401  registers the system checks, the tasks and the wakeup sender

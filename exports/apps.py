"""The one Django app of the portal, and Django's admin app with the portal's site."""

import logging

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

log = logging.getLogger(__name__)


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = "Export portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from exports import checks  # noqa: F401  registers the system checks
        from exports.providers.registry import PACKAGES

        # Celery's and gunicorn's processes run no system checks.
        for package in PACKAGES:
            if package.problem:
                log.error(package.problem)


class PortalAdminConfig(AdminConfig):
    """Django's admin app with the portal's own site."""

    default_site = "exports.admin.site.PortalAdminSite"

    def ready(self) -> None:
        # Before Django looks for its site: that is in the package which registers models with it.
        from exports import admin  # noqa: F401

        super().ready()

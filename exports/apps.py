"""The one Django app of the portal, and Django's admin app with the portal's site."""

import logging

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig

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


class PortalAdminConfig(SimpleAdminConfig):
    """Django's admin app with the portal's own site. Its pages are loaded by `portal.urls`: only the web has them."""

    default_site = "exports.admin.site.PortalAdminSite"

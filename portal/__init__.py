"""The portal's wiring: settings, URLs and Celery. What the product does is in `exports`."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]

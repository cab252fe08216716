"""The portal's own settings with a queue of its own, for portals that share a broker with other tests."""

import os

from portal.settings import *  # noqa: F403
from portal.settings import CELERY_BROKER_TRANSPORT_OPTIONS, CELERY_BROKER_URL
from tests.helpers.broker_queues import QUEUE_VARIABLE

CELERY_TASK_DEFAULT_QUEUE = os.environ[QUEUE_VARIABLE]
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{CELERY_TASK_DEFAULT_QUEUE}:"

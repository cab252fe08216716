"""The portal's own settings with queues of its own, for portals that share a broker with other tests."""

import os

from portal.environment import task_queues
from portal.settings import *  # noqa: F403
from portal.settings import CELERY_BEAT_SCHEDULE, CELERY_BROKER_TRANSPORT_OPTIONS, CELERY_BROKER_URL
from tests.helpers.broker_queues import PREFIX_VARIABLE

TASK_QUEUE_PREFIX = os.environ[PREFIX_VARIABLE]
CELERY_TASK_QUEUES = task_queues(TASK_QUEUE_PREFIX)
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_ROUTING_KEY = f"{TASK_QUEUE_PREFIX}.control"
CELERY_TASK_DEFAULT_EXCHANGE = CELERY_CONTROL_EXCHANGE = TASK_QUEUE_PREFIX
CELERY_EVENT_EXCHANGE = f"{TASK_QUEUE_PREFIX}.events"
for _name, _entry in CELERY_BEAT_SCHEDULE.items():
    if "options" in _entry:
        _entry["options"] = {"queue": CELERY_TASK_DEFAULT_QUEUE, "expires": 60.0}
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{TASK_QUEUE_PREFIX}:"

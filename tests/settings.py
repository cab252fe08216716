"""The settings of a test run: the portal's own, over a data directory that is thrown away afterwards.

A settings module and not a fixture, because pytest-django loads the settings before any conftest.
"""

import atexit
import os
import shutil
import sys
import tempfile

# Programs that a test starts inherit this module's name; there the test itself says what the environment is.
if "pytest" in sys.modules:
    # Commands speak the terminal's language.
    os.environ["LC_ALL"] = "C.UTF-8"
    # What a developer has set for their own portal is not for the tests, except which servers to test on.
    for name in (
        "ALLOWED_HOSTS",
        "CREDENTIAL_KEYS",
        "DEBUG",
        "DEFAULT_FROM_EMAIL",
        "EGRESS_PROXY",
        "EMAIL_URL",
        "EXTRA_CA_FILE",
        "MAIL_ATTACHMENT_BYTES",
        "DEAD_MAN_URL",
        "LISTENING_URL",
        "MAX_FILE_BYTES",
        "METRICS_TOKEN",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "OIDC_GROUPS",
        "OIDC_GROUPS_CLAIM",
        "OIDC_SCOPES",
        "OIDC_SERVER_URL",
        "OPERATORS",
        "PRIVATE_HOSTS",
        "PROXY_ADDRESS_HEADER",
        "PROXY_SSL_HEADER",
        "PUBLIC_URL",
        "READ_ONLY",
        "SECRET_KEY",
        "SSL_REDIRECT",
        "STORAGE_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "CELERY_BROKER_OPTIONS",
        "WORKER_CONCURRENCY",
        "X_ACCEL_LOCATION",
    ):
        os.environ.pop(name, None)
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="portal-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from portal.settings import *  # noqa: F403

# Messages of the embedded broker are looked for more often, so that tests wait less.
CELERY_BROKER_TRANSPORT_OPTIONS["polling_interval"] = 0.02  # noqa: F405

# Hashing a password well takes a tenth of a second; a test suite signs in a thousand times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

MIDDLEWARE = [
    "tests.helpers.static_files.SearchingOnce" if name.startswith("whitenoise.") else name
    for name in MIDDLEWARE  # noqa: F405
]

# Nobody cuts the power of a database that is thrown away; the portal's own waits for the disk at each commit.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"  # noqa: F405

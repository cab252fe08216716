"""The settings of a bench: the portal's own, with the bench's provider and trust in the bench's own certificates."""

import os

# Before anything that speaks TLS is loaded. `requests` reads certifi's file, whatever the environment says.
if os.environ.get("BENCH_CA"):
    import certifi

    certifi.where = lambda: os.environ["BENCH_CA"]
    os.environ["SSL_CERT_FILE"] = os.environ["BENCH_CA"]

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as PORTAL_APPS
from tests.bench import statement_counter

INSTALLED_APPS = [*PORTAL_APPS, "tests.bench.bench_provider.BenchConfig"]

statement_counter.install()

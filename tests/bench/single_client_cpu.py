"""The CPU of one call of the portal's, in seconds: `python -m tests.bench.single_client_cpu CREDENTIAL JOB COUNT`."""

import sys
import time

import django


def main(credential: int, job: int, count: int) -> float:
    """Asks so often after the job, over one connection, with the client that every step has."""
    from exports.credentials.client import open_client
    from exports.models import Credential

    with open_client(Credential.objects.get(pk=credential)) as client:
        client.get(f"/api/jobs/{job}")
        began = time.process_time()
        for _ in range(count):
            client.get(f"/api/jobs/{job}")
        return (time.process_time() - began) / count


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(str(main(*map(int, sys.argv[1:]))))

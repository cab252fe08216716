"""`manage.py up`: runs web, worker and beat; with --demo also the stand-in providers and a demo team."""

import sys
from functools import partial
from io import TextIOWrapper
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from exports.management.translated_command import TranslatedCommand
from exports.sentences import translated
from exports.supervisor.output import PrefixedLog
from exports.supervisor.plan import ProcessPlan
from exports.supervisor.preflight import StartRefused, lock_data_dir, open_listening_socket, open_socket_on_free_port
from exports.supervisor.probe import ReadinessProbe
from exports.supervisor.supervise import Supervisor

SANDBOX_PORT = 8100


def port_number(text: str) -> int:
    """Returns a TCP port from 1 to 65535. Raises ValueError otherwise."""
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError(text)
    return port


class Command(TranslatedCommand):
    """Exit codes: 0 stopped by a signal, 1 cannot start, 2 usage, 3 port in use."""

    help = "Migrates, then runs web, worker and beat until Ctrl-C; restarts what dies."
    # Django's checks run in the processes that it starts.
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=port_number, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument("--demo", action="store_true", help="also run the stand-in providers, with a demo team")
        parser.add_argument("--prepare", action="store_true", help="only migrate and collect static files, then end")

    def handle(self, *args: Any, host: str, port: int, demo: bool, prepare: bool, **options: Any) -> None:
        try:
            if prepare:
                from exports.management.prepare import prepare as prepare_portal

                prepare_portal()
                return
            code = run(host, port, demo)
        except StartRefused as refusal:
            self.stderr.write(translated(refusal))
            code = refusal.code
        sys.exit(code)


def run(host: str, port: int, demo: bool) -> int:
    """Runs the portal until a signal stops it. Returns the exit code. Raises StartRefused when it cannot start."""
    if demo and settings.SECURE:
        raise StartRefused(
            "The demo is not for a portal with a PUBLIC_URL of https: leave out --demo, or unset PUBLIC_URL."
        )
    # The lock is released when this process ends, however it ends.
    url = f"http://{_url_host(host)}:{port}"
    lock_data_dir(settings.DATA_DIR, url)
    plan = ProcessPlan(
        settings.BASE_DIR,
        settings.DATA_DIR,
        url,
        open_listening_socket(host, port),
        open_socket_on_free_port("127.0.0.1", SANDBOX_PORT) if demo else None,
        settings.WORKER_POOL,
        settings.WORKER_CONCURRENCY,
    )
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    log = PrefixedLog(sys.stdout)
    supervisor = Supervisor(log)
    try:
        return _prepare_and_run(supervisor, plan, log, demo)
    finally:
        supervisor.close()


def _prepare_and_run(supervisor: Supervisor, plan: ProcessPlan, log: PrefixedLog, demo: bool) -> int:
    """Runs the preparing processes one after the other, then the lasting ones until a signal. Returns the exit code."""
    sign_in: list[str] = []
    waiting = {"web", "sandbox"} if plan.sandbox_listening else {"web"}

    def answers(name: str) -> None:
        """ "Ready" means that every address that is printed or used answers."""
        waiting.discard(name)
        if waiting:
            return
        supervisor.set_ready()
        url = plan.url + settings.BASE_PATH
        log.write("", f"ready: {url}/")
        for line in sign_in:
            log.write("", line)

    if supervisor.run_to_end(plan.prepare()) != 0:
        return 0 if supervisor.stopping else 1
    if demo and supervisor.run_to_end(plan.demo(), keep=sign_in.append) != 0:
        for line in sign_in:
            log.write("demo", line)
        return 0 if supervisor.stopping else 1
    ReadinessProbe(supervisor.loop, plan.listening, _allowed_host(), partial(answers, "web"))
    if plan.sandbox_listening:
        ReadinessProbe(supervisor.loop, plan.sandbox_listening, "localhost", partial(answers, "sandbox"), "/")
    supervisor.run(plan.children(), starting=True)
    return supervisor.exit_code


def _url_host(host: str) -> str:
    """Returns the host as it stands in a URL; wildcard addresses become loopback ones."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _allowed_host() -> str:
    """Returns a Host that the web process accepts."""
    name = settings.ALLOWED_HOSTS[0].removeprefix(".")
    return "localhost" if name == "*" else name

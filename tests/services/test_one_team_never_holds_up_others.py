"""Whatever one team does, another team's export takes at most three times as long as with nothing beside it."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.servers import DATABASE, servers_environment
from tests.helpers.slow_file_host import SlowFileHost, slow_file_host
from tests.helpers.two_teams import NOISE_SECONDS, OtherTeam

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=40), pytest.mark.timeout(300)]
VIDEO = "65fa6b07dca2e367461a2925"
SLOW_EXPORTS = (
    (TABLES, "4001", "orders"),
    (TABLES, "4003", "orders"),
    (TABLES, "4005", "orders"),
    (ARCHIVES, "100001", "archive"),
)
RELAY_HOSTS = [f"127.0.0.{number}" for number in range(2, 10)]


@pytest.fixture(params=["postgresql-redis"])
def setup_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite-embedded":
        yield {}
        return
    with servers_environment("redis", DATABASE) as environment:
        yield environment


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that is listened on at all RELAY_HOSTS, where connections are accepted and nothing is ever answered."""
    with contextlib.ExitStack() as stack:
        port = 0
        for host in RELAY_HOSTS:
            server = stack.enter_context(socket.create_server((host, port), backlog=100))
            port = server.getsockname()[1]
        yield port


@pytest.fixture
def slow_host(request: pytest.FixtureRequest) -> Iterator[SlowFileHost]:
    with slow_file_host(request.node.callspec.params.get("speed", 40)) as host:
        yield host


@pytest.fixture
def others(portal: Installation, own_sandbox: Sandbox, silent_port: int, slow_host: SlowFileHost) -> OtherTeam:
    portal.environment["PRIVATE_HOSTS"] += "".join(f",{host}:{silent_port}" for host in RELAY_HOSTS)
    portal.environment["PRIVATE_HOSTS"] += f",127.0.0.1:{slow_host.port}"
    portal.start_web()
    portal.start_worker(slots=8)
    return OtherTeam(portal, own_sandbox)


def assert_quick(others: OtherTeam, lone: float) -> None:
    """One of three exports in a row is quick: another program may hold up one of them, starving would hold up all."""
    taken: list[float] = []
    while not taken or taken[-1] > 3 * lone + NOISE_SECONDS:
        assert len(taken) < 3, (taken, lone)
        taken.append(others.seconds())


def start_slow_downloads(portal: Installation, sandbox: Sandbox, slow_host: SlowFileHost) -> list[int]:
    """Four exports of the first team, whose files come from the slow host; returns when all are being fetched."""
    numbers = []
    for provider, project, type_ in SLOW_EXPORTS:
        sandbox.fault(provider=provider, project=project, on="file", fault="redirect_ok", location=slow_host.url)
        numbers.append(portal.ask(portal.project(provider, sandbox.origin(provider), project), type_))
    wait_for(lambda: len(slow_host.starts) >= len(numbers), 60, portal.logs)
    return numbers


@pytest.mark.parametrize("speed", [40])
def test_four_downloads_at_forty_bytes_a_second(
    portal: Installation, own_sandbox: Sandbox, others: OtherTeam, slow_host: SlowFileHost, speed: int
) -> None:
    lone = others.lone_seconds()
    numbers = start_slow_downloads(portal, own_sandbox, slow_host)
    assert_quick(others, lone)
    slow = [portal.export(number) for number in numbers]
    assert {(export["status"], export["step"]) for export in slow} == {("processing", "fetch")}
    # What gave way goes on by Range, as soon as a slot is free.
    wait_for(lambda: any(slow_host.starts), 60, portal.logs)
    parts = [path.stat().st_size for path in (portal.folder / "var" / "parts").glob("*.part")]
    assert len(parts) == 4
    assert slow_host.sent - sum(parts) < 4 * 1000, "each goes on from its bytes"


@pytest.mark.parametrize("setup_environment", ["sqlite-embedded"], indirect=True)
@pytest.mark.parametrize("speed", [0, 20_000])
def test_four_downloads_of_a_silent_host_or_at_twenty_kilobytes_a_second(
    portal: Installation, own_sandbox: Sandbox, others: OtherTeam, slow_host: SlowFileHost, speed: int
) -> None:
    lone = others.lone_seconds()
    start_slow_downloads(portal, own_sandbox, slow_host)
    assert_quick(others, lone)


def test_twenty_dripping_polls(portal: Installation, own_sandbox: Sandbox, others: OtherTeam) -> None:
    lone = others.lone_seconds()
    drips = own_sandbox.fault(provider=ARCHIVES, project="*", on="poll", fault="drip", seconds=600)
    projects = [portal.project(ARCHIVES, own_sandbox.origin(ARCHIVES), str(100001 + number)) for number in range(4)]
    for number in range(20):
        portal.ask(projects[number % 4], "archive", allow_twin=True)
        time.sleep(0.2)
    wait_for(lambda: own_sandbox.fired(drips) >= 15, 60, portal.logs)
    assert_quick(others, lone)
    time.sleep(10)
    assert_quick(others, lone)


def test_eight_addresses_that_never_answer(
    portal: Installation, own_sandbox: Sandbox, others: OtherTeam, silent_port: int
) -> None:
    lone = others.lone_seconds()
    project = portal.project(VIDEOS, own_sandbox.origin(VIDEOS), VIDEO)
    for host in RELAY_HOSTS:
        options = {"webhook_url": f"http://{host}:{silent_port}/"}
        portal.ask(project, "video", options=options, allow_twin=True)
    time.sleep(2)
    assert_quick(others, lone)


def test_a_pile_of_requests_to_a_host_that_accepts_and_never_answers(
    portal: Installation, own_sandbox: Sandbox, others: OtherTeam, silent_port: int
) -> None:
    lone = others.lone_seconds()
    project = portal.project(ARCHIVES, f"http://{RELAY_HOSTS[0]}:{silent_port}", "100001")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: portal.ask(project, "archive", allow_twin=True), range(1000)))
    assert_quick(others, lone)

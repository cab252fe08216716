"""The recipes that verify a webhook: each takes what the public package signs, and nothing else."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from standardwebhooks import Webhook, WebhookVerificationError

from tests.helpers.documented_blocks import RECIPES, need_programs, write_files
from tests.helpers.installation import Installation, wait_for
from tests.helpers.stub_server import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = json.dumps({"type": "export.succeeded", "data": {"team": "Bäckerei"}}, ensure_ascii=False).encode()
Headers = dict[str, str]


def signed(*secrets: str, body: bytes = BODY, age: int = 0) -> Headers:
    at = int(time.time()) - age
    sent = datetime.fromtimestamp(at, tz=UTC)
    signatures = [Webhook(secret).sign("msg_1", sent, body.decode()) for secret in secrets]
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


# What is sent, and whether it is the portal's.
CASES: dict[str, tuple[Callable[[], Headers], bytes, bool]] = {
    "signed": (lambda: signed(SECRET), BODY, True),
    "while the secret is replaced": (lambda: signed(OTHER, SECRET), BODY, True),
    "by another secret": (lambda: signed(OTHER), BODY, False),
    "another body": (lambda: signed(SECRET), BODY.replace(b"succeeded", b"failed"), False),
    "another id": (lambda: signed(SECRET) | {"webhook-id": "msg_2"}, BODY, False),
    "ten minutes old": (lambda: signed(SECRET, age=600), BODY, False),
    "from the future": (lambda: signed(SECRET, age=-600), BODY, False),
    "without a signature": (lambda: {}, BODY, False),
    "no number as time": (lambda: signed(SECRET) | {"webhook-timestamp": "1e9"}, BODY, False),
    "an empty signature": (lambda: signed(SECRET) | {"webhook-signature": "v1,"}, BODY, False),
}


@contextlib.contextmanager
def running(language: str, folder: Path, port: int, secret: str) -> Iterator[tuple[str, Path]]:
    """A receiver of the recipe in a process of its own: its address, and the file it prints to."""
    need_programs(*(["node"] if language == "node" else []))
    write_files(RECIPES / "verify-a-webhook.md", folder)
    command = [sys.executable, "receiver.py"] if language == "python" else ["node", "receiver.mjs"]
    environment = {"PATH": os.environ["PATH"], "SECRET": secret, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "printed").open("wb") as printed:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(lambda: _answers(address), 20, "the receiver")
        yield address, folder / "printed"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module", params=["python", "node"])
def receiver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    with running(request.param, tmp_path_factory.mktemp(request.param), free_port(), SECRET) as started:
        yield started


def _answers(address: str) -> bool:
    try:
        return requests.post(address, data=b"{}", timeout=5).status_code == 401
    except requests.RequestException:
        return False


@pytest.mark.slow(seconds=5)
@pytest.mark.parametrize("case", CASES)
def test_a_receiver_takes_only_what_is_signed(receiver: tuple[str, Path], case: str) -> None:
    address, _printed = receiver
    headers, body, good = CASES[case]
    assert requests.post(address, data=body, headers=headers(), timeout=5).status_code == (204 if good else 401)


@pytest.mark.slow(seconds=5)
def test_a_receiver_knows_a_delivery_that_comes_twice_by_its_id(receiver: tuple[str, Path]) -> None:
    address, printed = receiver
    before = printed.read_text().count("msg_1 export.succeeded\n")
    for _ in range(2):
        requests.post(address, data=BODY, headers=signed(SECRET), timeout=5)
    wait_for(lambda: printed.read_text().count("msg_1 export.succeeded\n") == before + 2, 5, printed.read_text)


@pytest.mark.slow(seconds=20)
@pytest.mark.parametrize("language", ["python", "node"])
def test_the_portals_own_deliveries_are_good(
    portal: Installation, environment: dict[str, str], receiver_port: int, tmp_path: Path, language: str
) -> None:
    wanted = {"url": f"http://127.0.0.1:{receiver_port}/", "events": ["export.succeeded"]}
    webhook = portal.api("POST", "/webhooks", wanted).json()
    with running(language, tmp_path, receiver_port, webhook["secret"]) as (_address, printed):
        assert portal.api("POST", f"/webhooks/{webhook['id']}/test").status_code == 202
        portal.ask(int(environment["PROJECT"]), "orders", format="csv")
        wait_for(lambda: "export.succeeded" in printed.read_text(), 60, lambda: printed.read_text() + portal.logs())
        wait_for(lambda: "webhook.test" in printed.read_text(), 60, lambda: printed.read_text() + portal.logs())
    assert portal.api("DELETE", f"/webhooks/{webhook['id']}").status_code == 204


@pytest.mark.parametrize("case", CASES)
def test_the_packages_way_agrees(case: str, tmp_path: Path) -> None:
    write_files(RECIPES / "verify-a-webhook.md", tmp_path)
    space: dict[str, Callable[..., object]] = {}
    exec((tmp_path / "verify_with_package.py").read_text(), space)  # noqa: S102  the recipe's own file
    headers, body, good = CASES[case]
    if not good:
        with pytest.raises(WebhookVerificationError):
            space["read_event"](SECRET, headers(), body)
    else:
        assert space["read_event"](SECRET, headers(), body) == json.loads(BODY)

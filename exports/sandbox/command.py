"""The command that serves the stand-ins until a signal. It needs no Django; the management command wraps it."""

import argparse
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from exports.sandbox.options import parse_limits
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox

PORT_TAKEN = 3
USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8100, help="port with all of them (8100; 0: any free one)")
    parser.add_argument(
        "--fd", type=int, default=None, help="a listening socket that was opened for it, in place of --port"
    )
    parser.add_argument(
        "--time-scale", type=float, default=1.0, help="multiplies durations; a job takes about 10 s at 1"
    )
    parser.add_argument("--limits", default="published", help="rate limits: published, off, or a factor")
    parser.add_argument(
        "--limit-window", type=float, default=60.0, help="length of a rate limit's window in seconds (60)"
    )
    parser.add_argument("--file-bytes", type=int, default=None, help="size of the files made (small)")
    parser.add_argument("--state-file", default=None, help="keep jobs across restarts in this file")
    for provider in DECLARATIONS:
        parser.add_argument(
            f"--{provider}-port", type=int, default=None, help=f"{provider} alone at the root of this port"
        )


def _dest(provider: str) -> str:
    return f"{provider.replace('-', '_')}_port"


def serve(options: dict[str, Any], say: Callable[[str], object], complain: Callable[[str], object]) -> int:
    """Serves until SIGINT or SIGTERM; the exit code: 0, 2 for a wrong option, 3 for a port in use, else 1."""
    alone = {name: options[_dest(name)] for name in DECLARATIONS if options.get(_dest(name)) is not None}
    try:
        sandbox = Sandbox(
            host=options["host"],
            port=options["port"],
            time_scale=options["time_scale"],
            limits=parse_limits(options["limits"]) or "off",
            limit_window=options["limit_window"],
            file_bytes=options["file_bytes"],
            alone=alone,
            state_file=options["state_file"],
            listening=socket.socket(fileno=options["fd"]) if options["fd"] is not None else None,
        )
    except OSError as wrong:
        complain(f"Wrong option: --fd is no listening socket ({wrong.strerror}).")
        return USAGE
    except ValueError as wrong:
        complain(f"Wrong option: {wrong}.")
        return USAGE
    done = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _run(sandbox, alone, done, say, complain)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    sandbox: Sandbox,
    alone: dict[str, int],
    done: threading.Event,
    say: Callable[[str], object],
    complain: Callable[[str], object],
) -> int:
    try:
        sandbox.start()
    except OverflowError:
        complain("A port is a number from 0 to 65535.")
        return USAGE
    except ValueError as wrong:
        complain(f"The state file cannot be used: {wrong}.")
        return USAGE
    except OSError as wrong:
        if wrong.errno == errno.EADDRINUSE:
            complain("A port is taken: another program listens there already. Choose another one with --port.")
            return PORT_TAKEN
        complain(f"Cannot listen: {wrong}.")
        return 1
    single = "".join(f", {provider} alone on {sandbox.own_origin(provider)}" for provider in alone)
    say(f"Stand-in providers (not the real services) on {sandbox.address}/{single}")
    while not done.wait(0.5):  # a signal handled in another thread does not end a wait without a timeout
        pass
    sandbox.stop()
    return 0


def main() -> int:
    """`python -m exports.sandbox`."""
    parser = argparse.ArgumentParser(
        description=f"Stand-in providers over HTTP: {', '.join(one.label for one in DECLARATIONS.values())}."
    )
    add_arguments(parser)
    options = vars(parser.parse_args())
    return serve(options, lambda text: print(text, flush=True), lambda text: print(text, file=sys.stderr, flush=True))

"""Checks before the start: the data directory is free and writable, and the port can be listened on."""

import contextlib
import errno
import fcntl
import os
import socket
from pathlib import Path


class StartRefused(Exception):
    """The portal cannot start. The message is a sentence for the operator, `code` the exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def lock_data_dir(folder: Path, url: str = "") -> int:
    """Locks the data directory for this process; returns the lock's file descriptor. The lock ends with the process.

    The file says which process holds it and at which `url` it will serve, for commands beside it.
    StartRefused (exit code 1) when another process holds it or the folder cannot be written.
    """
    path = folder / "up.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StartRefused(f"The data directory {folder} cannot be written ({problem.strerror}).") from problem
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        owner = os.pread(lock, 20, 0).decode("ascii", "replace").partition("\n")[0].strip()
        os.close(lock)
        who = f" (process {owner})" if owner else ""
        raise StartRefused(
            f"The portal already runs on the data directory {folder}{who}: use that one, stop it first, "
            "or set DATA_DIR to another folder."
        ) from problem
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n{url}\n".encode(), 0)
    return lock


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    return bound


def open_socket_on_free_port(host: str, wanted: int) -> socket.socket:
    """A listening socket on the wanted port, else the next free one of the 100 above it, else any.

    The socket itself and not its number: between a check and a start another program could take the port.
    StartRefused when none is free.
    """
    for port in (*range(wanted, min(wanted + 100, 65536)), 0):
        with contextlib.suppress(OSError):
            return _bind(host, port)
    raise StartRefused(f"No port is free on {host}.")


def _find_free_port(host: str, wanted: int) -> int:
    """A port to suggest to the operator."""
    with open_socket_on_free_port(host, wanted) as bound:
        return int(bound.getsockname()[1])


def open_listening_socket(host: str, port: int) -> socket.socket:
    """A listening socket; StartRefused with exit code 3 when the port is taken, 1 when the address cannot be used.

    The supervisor holds it and the web process inherits it: while that process is restarted, clients wait instead of
    being refused, and no other program can take the port.
    """
    try:
        return _bind(host, port)
    except socket.gaierror as problem:
        raise StartRefused(f"The host {host} is not known: give an address of this machine with --host.") from problem
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            other = _find_free_port(host, port + 1)
            raise StartRefused(f"Port {port} is taken: choose another one, for example --port {other}.", 3) from problem
        if problem.errno == errno.EACCES:
            raise StartRefused(f"Port {port} is not for this user: choose one from 1024 up with --port.") from problem
        raise StartRefused(
            f"{host}:{port} cannot be listened on ({problem.strerror}): see --host and --port."
        ) from problem

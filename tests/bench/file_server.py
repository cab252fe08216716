"""A server of one file, as fast as the machine lets it: sendfile over http, whole pieces over https.

    python -m tests.bench.file_server PATH PORT [CERTIFICATE]

No ranges, one thread a connection, nothing else.
"""

import contextlib
import mmap
import os
import socket
import ssl
import sys
import threading
import zipfile
from pathlib import Path
from typing import Final

PIECE: Final = 1024 * 1024
HEAD: Final = (
    'HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: {size}\r\nETag: "bench"\r\n'
    "Connection: close\r\n\r\n"
)


def make_zip(path: Path, size: int) -> None:
    """An archive of about so many bytes, whose members are stored as they are and cannot be packed."""
    block = os.urandom(min(size, 64 * PIECE))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for number in range(max(1, size // len(block))):
            archive.writestr(f"assets/{number}.bin", block)


class Files:
    """Answers every request with the file."""

    def __init__(self, path: str, certificate: str) -> None:
        self.path, self.size = path, os.path.getsize(path)
        self.secure: ssl.SSLContext | None = None
        if certificate:
            self.secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.secure.load_cert_chain(certificate)

    def serve(self, port: int) -> None:
        """Serves until it is killed."""
        with socket.create_server(("127.0.0.1", port), backlog=64) as listening:
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.secure:
                connection = self.secure.wrap_socket(connection, server_side=True)
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    more = connection.recv(65536)
                    if not more:
                        return
                    asked += more
                connection.sendall(HEAD.format(size=self.size).encode())
                self._send(connection)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    def _send(self, connection: socket.socket) -> None:
        with open(self.path, "rb") as file:
            if not self.secure:
                connection.sendfile(file)
                return
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as view:
                for at in range(0, self.size, PIECE):
                    connection.sendall(view[at : at + PIECE])


if __name__ == "__main__":
    Files(sys.argv[1], sys.argv[3] if len(sys.argv) > 3 else "").serve(int(sys.argv[2]))

"""The fixtures of a stub server, which tests/helpers/stub_client.py defines."""

from tests.helpers.stub_client import calls, connect, stub

__all__ = ["calls", "connect", "stub"]

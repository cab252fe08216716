"""The storms run on the set-ups of the service tests."""

from tests.services.conftest import own_box, portal, set_up

__all__ = ["own_box", "portal", "set_up"]

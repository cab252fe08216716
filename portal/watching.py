"""Reads the settings of who watches the portal: the address to ask while all goes on, the operators' mail addresses."""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.validators import validate_email

from portal import environment


def dead_man_url() -> str:
    """DEAD_MAN_URL, "" when it is unset. ImproperlyConfigured when it is no http(s) address; does not repeat it."""

    def reader(name: str) -> str:
        parts = urlsplit(environment.get_text(name))
        _ = parts.port  # ValueError when it is no port
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(name)
        return environment.get_text(name)

    return environment.read_variable(
        "DEAD_MAN_URL",
        reader,
        "",
        "give the address that a monitor wants to be asked at, for example https://…/ping/….",
    )


def operators() -> tuple[str, ...]:
    """OPERATORS as mail addresses. ImproperlyConfigured when one is none."""
    addresses = environment.get_list("OPERATORS")
    for address in addresses:
        try:
            validate_email(address)
        except Exception:
            raise ImproperlyConfigured(
                f"OPERATORS cannot be read: {address} is no mail address; separate several by commas."
            ) from None
    return addresses

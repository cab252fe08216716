"""Reads from the environment how the portal goes out: an authority of the company's own, a proxy."""

import os
import ssl
from pathlib import Path

from exports.transport.egress_proxy import EgressProxy
from portal.environment import get_text, read_variable


def extra_ca_file() -> str:
    """EXTRA_CA_FILE as an absolute path, "" when unset; ImproperlyConfigured when it holds no certificate."""

    def reader(name: str) -> str:
        path = os.path.abspath(Path(get_text(name)).expanduser())  # Links stay: they are how files are replaced.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(path)
        except OSError:  # ssl.SSLError is one too
            raise ValueError(name) from None
        if not context.cert_store_stats()["x509"]:
            raise ValueError(name)
        return path

    remedy = "give the path of a readable PEM file with the certificates of your own authorities, or unset it."
    return read_variable("EXTRA_CA_FILE", reader, "", remedy)


def egress_proxy() -> EgressProxy | None:
    """The proxy of EGRESS_PROXY, None when unset; ImproperlyConfigured when it is no address of one."""

    def reader(name: str) -> EgressProxy | None:
        return EgressProxy.parse(get_text(name))

    remedy = (
        "give http://host:3128 or http://user:password@host:3128, with % codes for special characters; or unset it."
    )
    return read_variable("EGRESS_PROXY", reader, None, remedy)

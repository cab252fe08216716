"""Reads from the environment where files are kept: STORAGE_URL."""

from exports.storage.bucket.address import DEFAULT_REGION, REMEDY, parse_address
from portal.environment import get_text, read_variable


def storage_region() -> str:
    """The region of a bucket whose address names none, by the variables of Amazon's tools."""
    return get_text("AWS_REGION") or get_text("AWS_DEFAULT_REGION", DEFAULT_REGION)


def storage_url() -> str:
    """The address of the bucket for files, whole; "" when unset. ImproperlyConfigured when it is none."""

    def reader(name: str) -> str:
        return parse_address(get_text(name), storage_region()).text

    return read_variable("STORAGE_URL", reader, "", REMEDY)

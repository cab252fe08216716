"""The address of a bucket: `s3://bucket/prefix?endpoint_url=https://host&region=name`. It holds no secret.

Imported by the settings, so it imports nothing of the portal.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

DEFAULT_REGION: Final = "us-east-1"
BUCKET_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
# Letters that mean the same in a key, in an address and in a signature.
PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
REGION: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
MAX_PREFIX_CHARS: Final = 200
# What may stand in the query, with the values that are allowed; None: any.
PARAMETERS: Final[dict[str, frozenset[str] | None]] = {
    "endpoint_url": None,
    "region": None,
    "addressing": frozenset({"path", "virtual"}),
    "redirect": frozenset({"yes", "no"}),
}
REMEDY: Final = (
    "give s3://bucket/prefix?endpoint_url=https://host&region=name, the last two where they are needed. Credentials do"
    " not belong in it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


@dataclass(frozen=True)
class BucketAddress:
    """A bucket, and what the names of the portal's objects in it begin with ("" or without a slash at its end).

    `endpoint_url`: "" for Amazon's own. `is_virtual`: the bucket's name stands in the host, else in the path.
    `may_redirect`: downloads are sent to the store by a signed link, else they are read through the portal.
    """

    bucket: str
    prefix: str
    endpoint_url: str
    region: str
    is_virtual: bool
    may_redirect: bool = True

    @property
    def identity(self) -> str:
        """What rows keep to say where a file is: the address without what may change while its files stay."""
        return self._write({"endpoint_url": self.endpoint_url, "region": self.region})

    @property
    def text(self) -> str:
        """The whole address, as `parse_address` reads it."""
        how = {"addressing": "virtual" if self.is_virtual else "path", "redirect": "" if self.may_redirect else "no"}
        return self._write({"endpoint_url": self.endpoint_url, "region": self.region, **how})

    def _write(self, parameters: dict[str, str]) -> str:
        query = urlencode({name: value for name, value in parameters.items() if value}, safe=":/")
        return f"s3://{self.bucket}{f'/{self.prefix}' if self.prefix else ''}?{query}"

    @property
    def store_url(self) -> str:
        """The store's address, with the bucket's name where that stands in the host."""
        scheme, _, host = (self.endpoint_url or f"https://s3.{self.region}.amazonaws.com").partition("://")
        return f"{scheme}://{self.bucket}.{host}" if self.is_virtual else f"{scheme}://{host}"

    @property
    def base_url(self) -> str:
        """What the addresses of objects begin with, without a slash at its end."""
        return self.store_url if self.is_virtual else f"{self.store_url}/{self.bucket}"

    def key(self, name: str) -> str:
        """The key of an object of this name."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def name(self, key: str) -> str:
        """The name of the object with this key."""
        return key.removeprefix(f"{self.prefix}/") if self.prefix else key


def parse_address(text: str, default_region: str = DEFAULT_REGION) -> BucketAddress:
    """Reads an address. Raises ValueError, whose text repeats nothing of it."""
    parts = urlsplit(text.strip())
    query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    values = dict(query)
    prefix = parts.path.strip("/")
    is_known = len(values) == len(query) and all(
        name in PARAMETERS and value in (PARAMETERS[name] or {value}) for name, value in query
    )
    if parts.scheme != "s3" or parts.fragment or not is_known or not BUCKET_NAME.fullmatch(parts.netloc):
        raise ValueError("no address of a bucket")
    if prefix and (not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError("no prefix of keys")
    region = values.get("region") or default_region
    endpoint_url = _endpoint(values.get("endpoint_url", ""))
    if not REGION.fullmatch(region) or len(prefix) > MAX_PREFIX_CHARS:
        raise ValueError("no region, or a long prefix")
    # Certificates of wildcard names fit no bucket with dots; most other stores have no name for each bucket.
    is_usual = not endpoint_url and "." not in parts.netloc
    is_virtual = values["addressing"] == "virtual" if "addressing" in values else is_usual
    return BucketAddress(parts.netloc, prefix, endpoint_url, region, is_virtual, values.get("redirect") != "no")


def _endpoint(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text)
    _ = parts.port  # ValueError when it is no port
    extra = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise ValueError("no address of a store")
    return f"{parts.scheme}://{parts.netloc}"

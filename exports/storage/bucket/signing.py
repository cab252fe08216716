"""Signed links (AWS Signature Version 4 in the query), with the parameters that obstore's own signer cannot add."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from exports.storage.bucket.access_keys import AccessKeys

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNRESERVED: Final = "-_.~"


def signed_url(
    method: str,
    url: str,
    parameters: Mapping[str, str],
    keys: AccessKeys,
    *,
    region: str,
    seconds: int,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Returns the address with `parameters` and a signature that holds for so many seconds from `now` (UTC).

    `url` has no query, and a path that is quoted. `headers`: those that the request must have, with lower-case names.
    """
    parts = urlsplit(url)
    signed = {"host": parts.netloc, **(headers or {})}
    names = ";".join(sorted(signed))
    day, at = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{region}/s3/aws4_request"
    query = {
        **parameters,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.id}/{scope}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": names,
        **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
    }
    pairs = sorted((quote(name, UNRESERVED), quote(value, UNRESERVED)) for name, value in query.items())
    encoded = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = "\n".join((method, parts.path or "/", encoded, lines, names, "UNSIGNED-PAYLOAD"))
    text = "\n".join((ALGORITHM, at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return f"{url}?{encoded}&X-Amz-Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"


def object_url(base_url: str, key: str) -> str:
    """The address of an object, quoted as signatures want it."""
    return f"{base_url}/{quote(key, UNRESERVED + '/')}"

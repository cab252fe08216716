"""What an object store refuses, as a sentence that says whose turn it is. Nothing of the answer itself is repeated."""

import errno
import re
from typing import Final

CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
STATUS: Final = re.compile(r"status code: ([0-9]{3})")
OPERATORS: Final = "The portal's operators must"
KEYS: Final = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
NO_KEYS: Final = f"The portal has no keys for the bucket. {OPERATORS} set {KEYS}."
UNKNOWN_KEYS: Final = f"The object store does not know the portal's keys. {OPERATORS} correct {KEYS}."
EXPIRED: Final = (
    f"The portal's keys for the bucket have expired. {OPERATORS} give new ones (AWS_SESSION_TOKEN goes with them)."
)
REFUSED: Final = f"The object store refuses this to the portal's keys. {OPERATORS} grant them what the manual lists."
# To a HEAD the store gives no reason.
DENIED: Final = (
    "The object store refuses this to the portal's keys: they are wrong, have expired, or lack a permission."
    f" {OPERATORS} run doctor, which says which."
)
WRONG_REGION: Final = f"The bucket is in another region. {OPERATORS} correct the region in STORAGE_URL."
NO_BUCKET: Final = f"The bucket does not exist. {OPERATORS} create it, or correct STORAGE_URL."
CLOCK: Final = f"The clocks of the portal and the object store differ too much. {OPERATORS} set the portal's clock."
BUSY: Final = "The object store asks for a pause. Nobody needs to act: it is tried again."
FULL: Final = f"The object store has no room for the file. {OPERATORS} make room there."
AWAY: Final = (
    "The object store does not answer, or only with errors. It is tried again; if it stays so, the portal's operators"
    " must see to it."
)
SENTENCES: Final = {
    "InvalidAccessKeyId": UNKNOWN_KEYS,
    "SignatureDoesNotMatch": UNKNOWN_KEYS,
    "ExpiredToken": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "InvalidToken": EXPIRED,
    "AccessDenied": REFUSED,
    "AllAccessDisabled": REFUSED,
    "AccountProblem": REFUSED,
    "PermanentRedirect": WRONG_REGION,
    "TemporaryRedirect": WRONG_REGION,
    "AuthorizationHeaderMalformed": WRONG_REGION,
    "AuthorizationQueryParametersError": WRONG_REGION,
    "IllegalLocationConstraintException": WRONG_REGION,
    "NoSuchBucket": NO_BUCKET,
    "InvalidBucketName": NO_BUCKET,
    "RequestTimeTooSkewed": CLOCK,
    "RequestExpired": CLOCK,
    "SlowDown": BUSY,
    "TooManyRequests": BUSY,
    "ServiceUnavailable": BUSY,
    "QuotaExceeded": FULL,
    "StorageFull": FULL,
    "XMinioStorageFull": FULL,
    "InsufficientStorage": FULL,
}
BY_STATUS: Final = {301: WRONG_REGION, 307: WRONG_REGION, 401: DENIED, 403: DENIED, 429: BUSY, 503: BUSY, 507: FULL}


class BucketError(OSError):
    """The object store refused, or did not answer. `strerror` is the sentence, `code` the store's own word or ""."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(errno.EDQUOT if sentence is FULL else errno.EIO, sentence)
        self.code = code


def bucket_error(text: str, *, status: int = 0) -> OSError:
    """Returns the error for what a store (or the client) said: FileNotFoundError where there is no such object."""
    found, number = CODE.search(text), STATUS.search(text)
    code, status = found[1] if found else "", int(number[1]) if number else status
    if code in ("NoSuchKey", "NoSuchUpload") or (status == 404 and not code):
        return FileNotFoundError(errno.ENOENT, "It is not in the bucket")
    return BucketError(SENTENCES.get(code) or BY_STATUS.get(status, AWAY), code)


def describe_refusal(error: OSError) -> str:
    """Returns a sentence about what a disk or an object store refused."""
    if isinstance(error, BucketError):
        return str(error.strerror)
    return f"The disk: {error.strerror or 'it refuses'}."

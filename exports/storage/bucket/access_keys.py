"""The keys for the object store, from the usual variables. They are in no setting, so that no page can show one."""

from dataclasses import dataclass, field

from exports.storage.bucket.errors import NO_KEYS, BucketError
from portal.secret_files import SecretFiles


@dataclass(frozen=True)
class AccessKeys:
    """The pair that requests are signed with. `token`: of temporary keys, else ""."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def read_keys() -> AccessKeys:
    """Returns the keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or in their files.

    Raises BucketError where there are none, ImproperlyConfigured where such a file cannot be read.
    """
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    variables = SecretFiles()
    id_, secret, token = (str(variables.get(name, "")).strip() for name in names)
    if not id_ or not secret:
        raise BucketError(NO_KEYS)
    return AccessKeys(id_, secret, token)

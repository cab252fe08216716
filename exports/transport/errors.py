"""What can go wrong with a call, told apart by what it proves: nothing sent, refused, or nobody knows."""


class ProviderError(Exception):
    """A call did not bring what it should. `message` is a sentence for a person and holds no secret.

    `code` is one of states.ERROR_CODES; `turn` one of states.ACTIONS, or "" for the usual one of the code;
    `word` the provider's own word or status, where there is one.
    """

    code: str = "internal"

    def __init__(self, message: str, *, code: str = "", action: str = "", provider_status: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.action = action
        self.provider_status = provider_status


class NotSentError(ProviderError):
    """Nothing left this machine (no name, no connection, no TLS): asking again is safe."""

    code = "deadline"


class AddressError(NotSentError):
    """An address the portal refuses to open. Final."""

    code = "address"


class RefusedError(ProviderError):
    """The provider said no with a 4xx (or its envelope's word for it): provably not executed, and final."""

    code = "rejected"


class CredentialError(RefusedError):
    """401 or 403: a person must mend the credential. `renewable` when a fresh token may help (401)."""

    code = "credential"

    def __init__(self, message: str, *, renewable: bool = False, provider_status: str = "") -> None:
        super().__init__(message, provider_status=provider_status)
        self.renewable = renewable


class NotFoundError(RefusedError):
    """404 or 410 for a thing that was named by us."""

    code = "not_found"


class BusyError(RefusedError):
    """The provider cannot take it now, and did not execute it; ask again in `seconds`.

    `pause` is True when every call of the credential (in `rate_class`, or all where that is empty) must wait (429).
    """

    def __init__(self, message: str, *, seconds: float, pause: bool = False, provider_status: str = "429") -> None:
        super().__init__(message, provider_status=provider_status)
        self.seconds = seconds
        self.pause = pause


class UnclearError(ProviderError):
    """The request left, and whether it was executed cannot be told: answer lost, 5xx.

    For a poll: ask again. For a submit: go and `find`.
    """

    code = "unconfirmed"


class UnreadableError(UnclearError):
    """An answer outside the contract (a 2xx that is no JSON, lacks its id, ...). `final`: names another project."""

    code = "unreadable"

    def __init__(self, message: str, *, final: bool = False, provider_status: str = "") -> None:
        super().__init__(message, provider_status=provider_status)
        self.final = final

"""What can go wrong with a call, told apart by what it proves: nothing was sent, it was refused, or it is unknown."""


class ProviderError(Exception):
    """A call did not succeed. `message` is a sentence for a person and holds no secret.

    `code` is one of states.ERROR_CODES; `action` one of states.ACTIONS, or "" for the default of the code;
    `provider_status` the provider's own word or the HTTP status, where there is one.
    """

    code: str = "internal"

    def __init__(self, message: str, *, code: str = "", action: str = "", provider_status: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.action = action
        self.provider_status = provider_status


class NotSentError(ProviderError):
    """Nothing left this machine (the name did not resolve, no connection, no TLS): sending again is safe."""

    code = "deadline"


class AddressError(NotSentError):
    """An address that the portal refuses to open. Final."""

    code = "address"


class RefusedError(ProviderError):
    """The provider refused with a 4xx, or with its envelope's equivalent: provably not executed.

    `final`: said of a job that was accepted, one such answer ends it. False: it may pass, and is asked for again; see
    `proofs.is_final_refusal`. `answers_creation`: it is the answer to the request that creates something, not to
    another call that was made with it. `is_page`: it came as a web page, as those of firewalls and proxies do.
    """

    code = "rejected"
    final = True
    answers_creation = is_page = False


class CredentialError(RefusedError):
    """401 or 403: a person must correct the credential.

    `renewable`: a fresh token may help (401). `known`: the provider knows the credential, but it may not do this (403).
    """

    code = "credential"

    def __init__(
        self, message: str, *, renewable: bool = False, known: bool = False, provider_status: str = ""
    ) -> None:
        super().__init__(message, provider_status=provider_status)
        self.renewable = renewable
        self.known = known


class NotFoundError(RefusedError):
    """404 or 410 for an object that the request named."""

    code = "not_found"


class BusyError(RefusedError):
    """The provider cannot take the call now and did not execute it; it may be sent again in `seconds`.

    `pause`: every call of the credential in the same rate class must wait that long (429).
    """

    def __init__(self, message: str, *, seconds: float, pause: bool = False, provider_status: str = "429") -> None:
        super().__init__(message, provider_status=provider_status)
        self.seconds = seconds
        self.pause = pause


class UnclearError(ProviderError):
    """The request was sent, and whether it was executed is unknown: the answer was lost, or is a 5xx.

    After a poll: poll again. After a submit: search with `Provider.find`.
    """

    code = "unconfirmed"


class UnknownRefusalError(UnclearError):
    """An error in the provider's envelope whose code the provider's file does not declare final: it may pass.

    `passing`: it says itself that the fault is the provider's own, so it says nothing about the credential.
    """

    code = "unreadable"
    final = False

    def __init__(self, message: str, *, passing: bool = False, provider_status: str = "") -> None:
        super().__init__(message, provider_status=provider_status)
        self.passing = passing


class UnreadableError(UnclearError):
    """An answer outside the contract (a 2xx that is no JSON, lacks its id, ...). `final`: it names another project."""

    code = "unreadable"

    def __init__(self, message: str, *, final: bool = False, provider_status: str = "") -> None:
        super().__init__(message, provider_status=provider_status)
        self.final = final


class ContentCodingError(ProviderError):
    """A body that came packed in a way that cannot be undone. For a file it means `bad_file`."""

    code = "bad_file"

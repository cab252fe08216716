"""What a service's refusals mean: turns its statuses, codes and sentences into the errors that the engine acts on."""

import contextlib
from collections.abc import Iterator
from typing import Final, TypeVar

from exports.transport.errors import BusyError, CredentialError, ProviderError, RefusedError, UnknownRefusalError
from exports.transport.responses import error_of_status

# Statuses that need no look at the body; client.py maps them.
SELF_EXPLAINING_STATUSES: Final = frozenset({408, 423, 425, 429})
Problem = TypeVar("Problem", bound=ProviderError)


def error_by_status(status: int, sentence: str, word: str = "") -> ProviderError:
    """The error that an HTTP status means, with the service's own sentence and word.

    Services that refuse with codes of their own name the status that a code means.
    """
    error = error_of_status(status, sentence, {})
    error.provider_status = word or str(status)
    return error


def amended(problem: Problem, sentence: str) -> Problem:
    """The error with another sentence: with what only the call that met it knows."""
    problem.message = sentence
    problem.args = (sentence,)  # Tracebacks show these.
    return problem


@contextlib.contextmanager
def refusal_as_credential_error(sentence: str) -> Iterator[None]:
    """For the call that fetches a token: turns each of its refusals into a CredentialError that is not renewable."""
    try:
        yield
    except BusyError:
        raise
    except (RefusedError, UnknownRefusalError) as problem:
        if isinstance(problem, UnknownRefusalError) and problem.passing:
            raise
        error = CredentialError(f"{sentence} {problem.message}", provider_status=problem.provider_status)
        error.final = problem.final
        error.is_page = isinstance(problem, RefusedError) and problem.is_page
        raise error from None

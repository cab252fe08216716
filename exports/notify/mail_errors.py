"""What a mail server's refusal means (RFC 5321 §4.2, RFC 3463): too large, final, or to be tried again."""

import re
import smtplib
from dataclasses import dataclass
from enum import Enum
from typing import Final

# Mail systems say "too large" with 552, or with one of these enhanced status codes after any 5xx.
TOO_LARGE_CODE: Final = 552
TOO_LARGE_STATUS: Final = re.compile(r"\b5\.(3\.4|2\.3)\b")
# The server wants another sign-in or a secure connection: the portal's settings are wrong, not the mail.
SIGN_IN_CODES: Final = frozenset({530, 534, 535, 538})


class Meaning(Enum):
    """What follows from a mail that was not taken."""

    TOO_LARGE = "too large"
    FINAL = "final"
    LATER = "later"


@dataclass(frozen=True)
class MailError:
    """The meaning of a failure, and a sentence for a person."""

    meaning: Meaning
    text: str


def explain(error: Exception) -> MailError:
    """What an exception of sending a mail means. Without an answer about this very mail, it is tried again."""
    answer = _answer(error)
    if answer is None:
        return MailError(Meaning.LATER, f"The mail server could not be reached or used ({type(error).__name__}).")
    code, words = answer
    text = f"The mail server answered {code}" + (f": {words}" if words else ".")
    if code == TOO_LARGE_CODE or (code >= 500 and TOO_LARGE_STATUS.search(words)):
        return MailError(Meaning.TOO_LARGE, text)
    return MailError(Meaning.FINAL if code >= 500 and code not in SIGN_IN_CODES else Meaning.LATER, text)


def _answer(error: Exception) -> tuple[int, str] | None:
    """The code and the words of the server's answer about the mail; None where the failure is not about the mail."""
    if isinstance(error, smtplib.SMTPRecipientsRefused) and error.recipients:
        code, words = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused):
        code, words = error.smtp_code, _to_bytes(error.smtp_error)
    else:
        return None
    return code, " ".join(words.decode(errors="replace").split())[:200]


def _to_bytes(words: bytes | str) -> bytes:
    return words.encode() if isinstance(words, str) else words

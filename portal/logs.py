"""What the LOGGING setting needs beyond the standard library."""

import logging
import re


class Brief(logging.Filter):
    """Lets beat say in one line that a message could not be sent.

    It would add two tracebacks, every few seconds for as long as the broker is away.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten such a record; nothing is held back."""
        if str(record.msg).startswith("Message Error"):
            record.msg = record.getMessage().partition("\n")[0]
            record.args = ()
            record.exc_info = None
        return True


# Addresses that open something for whoever knows them: Django names the address of each request that went wrong.
SECRET_ADDRESSES = re.compile(
    r"(/(?:invitations|hooks/[0-9]+|forgotten/[^/?\s]+|profile/address)/)[^/?\s]+|(\bmailed=)[^&\s]+"
)


class Masked(logging.Filter):
    """Keeps the secret part of such addresses out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask it; nothing is held back."""
        text = record.getMessage()
        if SECRET_ADDRESSES.search(text):
            record.msg, record.args = SECRET_ADDRESSES.sub(r"\1\2***", text), ()
        return True

"""What the LOGGING setting needs beyond the standard library."""

import logging


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

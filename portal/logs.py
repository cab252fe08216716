"""What the LOGGING setting needs beyond the standard library."""

import logging
import re
import sys


class BeatErrorFilter(logging.Filter):
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
SECRET_URLS = re.compile(
    r"(/(?:invitations|hooks/[0-9]+|forgotten/[^/?\s]+|profile/address)/)[^/?\s]+|(\bmailed=)[^&\s]+"
)


class SecretUrlFilter(logging.Filter):
    """Keeps the secret part of such addresses out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask it; nothing is held back."""
        text = record.getMessage()
        if SECRET_URLS.search(text):
            record.msg, record.args = SECRET_URLS.sub(r"\1\2***", text), ()
        return True


def apply_celery_options(level: int | str | None, file: str | None) -> None:
    """Acts on Celery's `-l` and `-f`. Without `-l` Celery hands over its default; then LOG_LEVEL holds."""
    given = any(word == "--loglevel" or word.startswith(("-l", "--loglevel=")) for word in sys.argv)
    if given and level is not None:
        for name in ("", "celery", "kombu"):
            logging.getLogger(name).setLevel(level)
    if file:
        handler = logging.FileHandler(file, encoding="utf-8")
        for model in logging.getLogger().handlers[:1]:
            handler.setFormatter(model.formatter)
            for one in model.filters:
                handler.addFilter(one)
        logging.getLogger().addHandler(handler)

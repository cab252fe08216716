"""What the LOGGING setting needs beyond the standard library."""

import json
import logging
import logging.handlers
import re
import sys
from datetime import UTC, datetime


class BeatErrorFilter(logging.Filter):
    """Shortens beat's report that a message could not be sent to one line.

    Beat would add two tracebacks, every few seconds for as long as the broker is away.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shortens such a record; always True, so every record is logged."""
        if str(record.msg).startswith("Message Error"):
            record.msg = record.getMessage().partition("\n")[0]
            record.args = ()
            record.exc_info = None
        return True


# Addresses that grant access to anyone who knows them. Django logs the address of each failed request.
SECRET_URLS = re.compile(
    r"(/(?:invitations|hooks/[0-9]+|forgotten/[^/?\s]+|profile/address)/)[^/?\s]+|(\bmailed=)[^&\s]+"
)


class SecretUrlFilter(logging.Filter):
    """Masks the secret part of such addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Masks it in the record; always True, so every record is logged."""
        text = record.getMessage()
        if SECRET_URLS.search(text):
            record.msg, record.args = SECRET_URLS.sub(r"\1\2***", text), ()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`, and where there are any
    `request`, `task`, `export`, `credential` (their ids) and `traceback`.

    Nothing else of a record is written: Django adds the request to its own, whose address may be a secret.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "ids", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def apply_celery_options(level: int | str | None, file: str | None) -> None:
    """Acts on Celery's `-l` and `-f`: nothing below the level is logged, and the file takes the place of stderr.

    Without `-l` Celery passes its default level on; then LOGGING holds. A file is reopened when it was rotated. The
    secrets that stderr's handler masks are masked in the file too. OSError when the file cannot be written.
    """
    root = logging.getLogger()
    if file:
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8")
        for replaced in list(root.handlers):
            handler.setFormatter(replaced.formatter)
            for log_filter in replaced.filters:
                handler.addFilter(log_filter)
            root.removeHandler(replaced)
        root.addHandler(handler)
    if level is not None and any(word == "--loglevel" or word.startswith(("-l", "--loglevel=")) for word in sys.argv):
        for name in ("", "celery", "kombu"):
            logging.getLogger(name).setLevel(level)
        # Loggers with a level of their own, such as Django's, would let lower levels pass.
        for output in root.handlers:
            output.setLevel(level)

"""What bytes are when they are not the file that was asked for: a page, an error, another kind of file."""

import json
import re
from typing import Final

from exports.storage.csv_layout import CsvLayout
from exports.storage.workbook_package import end_of_prolog

HEAD_BYTES: Final = 64 * 1024
# What files of other kinds begin with. Texts that begin like this by chance are no tables either.
SIGNATURES: Final = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (xls, doc)"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1\x15", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
)
# Control characters that occur in no text; a stray one in a table is odd, many are another kind of file.
CONTROLS: Final = bytes({*range(32)} - {*b"\t\n\r\x0b\x0c\x1a\x1b"})
MAX_CONTROL_SHARE: Final = 0.01
HTML_TAGS: Final = re.compile(
    r"(?:a|b|body|br|center|div|font|form|h[1-6]|head|html|i|iframe|img|meta|p|pre|script|section|span|strong|style"
    r"|table|title|tr|ul)\Z",
    re.I,
)
TAG: Final = re.compile(r"<[!/]?([A-Za-z][\w:.-]*)[\s/>]")
# A header of names in angle brackets, as stock exchanges' tables have: <TICKER>,<DATE>,<CLOSE>.
NAMES_IN_BRACKETS: Final = re.compile(r"<[^<>]*>(?:[,;|\t]<[^<>]*>)+[ \t]*(?:[\r\n]|\Z)")
NAME_IN_BRACKETS: Final = re.compile(r"""<[^<>"'=]*>?\s*""")
JSON_START: Final = re.compile(r"""[{\[]\s*(?:["'](?:[^"'\\\n]|\\.){0,500}["']\s*:|[{\[\]}])""")
TYPES_OF_NO_TABLE: Final = re.compile(
    r"application/(?:[\w.-]+\+)?json|application/(?:[\w.-]+\+)?xml|text/xml|text/html"
)
TYPES_OF_TABLES: Final = re.compile(r"text/(?:x-)?(?:csv|comma-separated-values|tab-separated-values)|application/csv")
ERROR_WORDS: Final = re.compile(
    r"\b(?:errors?|exception|traceback|failed|failure|denied|forbidden|unauthori[sz]ed|not found|no such|unavailable"
    r"|expired|invalid|bad (?:request|gateway)|time-?out|timed out|too many|rate limit|quota|upstream|sorry|oops|please"
    r"|not ready|pending|not yet|being (?:generated|prepared|created|processed)|in progress|(?:log|sign) ?in|try again"
    r"|(?:warning|notice|deprecated)\b[^:]{0,80}:.{0,400}\bline \d+|does not exist|no longer|not (?:allowed|permitted)"
    r"|limit exceeded|rate exceeded|(?:is|request) blocked|under maintenance|default backend|virus scan\w*"
    r"|n'existe pas|non (?:autoris|trouv)\w+|erreur|introuvable|refus\w+|expir\w+|veuillez|merci de|vous devez"
    r"|r[ée]essay\w+|en cours de (?:g[ée]n|pr[ée]p|trait)\w+|fehler|nicht gefunden|abgelaufen|bitte|acceso denegado"
    r"|no se (?:encontr|pud)\w+|ошибк\w+|доступ запрещ\w+|не найден\w*)\b",
    re.I,
)
UNMISTAKABLE_ERRORS: Final = re.compile(
    r"(?:traceback|(?:fatal |parse |uncaught |unhandled )?(?:error|exception)\b.*[:.]|https?/|[45]\d\d\b"
    r"|internal server error|bad (?:gateway|request)|service unavailable|gateway time|not found|forbidden"
    r"|access denied|(?:warning|notice|deprecated)\b[^:]{0,80}:.{0,400}\bline \d)",
    re.I,
)
# Other kinds of text, by how they begin.
OTHER_TEXTS: Final = (
    (re.compile(r"version https://git-lfs\.|oid sha256:"), "a pointer of Git LFS instead of the file"),
    (re.compile(r"(?:mime-version|content-(?:type|disposition)): ?\S", re.I), "a mail or a web archive"),
    (re.compile(r"HTTP/[\d.]+ \d{3}"), "an HTTP answer with its head"),
    (re.compile(r"--\S{1,200}\s+content-", re.I), "the body of a form, with its head"),
    (re.compile(r"BEGIN:V(?:CARD|CALENDAR)\s"), "a calendar or an address card"),
    (re.compile(r"%!PS"), "a PostScript document"),
    (re.compile(r"-----BEGIN [A-Z ]+-----"), "a key or a certificate"),
    (re.compile(r"#EXTM3U"), "a playlist"),
    (re.compile(r"data:[\w.+-]*/[\w.+-]*[;,]"), "an address that holds data"),
    (re.compile(r"(?:https?|ftp|s3|gs)://\S+\s*\Z"), "an address"),
    (re.compile(r"\[InternetShortcut\]"), "an address"),
    (
        re.compile(r"-- (?:MySQL|MariaDB|PostgreSQL|phpMyAdmin) ?(?:database )?(?:SQL )?dump", re.I),
        "a dump of a database",
    ),
    (re.compile(r"ID;PWXL;"), "a SYLK file"),
    (re.compile(r"d\d+:(?:announce|info|created)"), "a torrent"),
    (re.compile(r"""b(?:'[^'\n]*'|"[^"\n]*")\s*\Z"""), "a value of Python instead of its bytes"),
    (re.compile(r"\)\]\}'|(?:while ?\(1\)|for ?\(;;\));"), "JSON behind a guard"),
    (re.compile(r"#! ?/"), "a script"),
    (re.compile(r"\[[\w .-]{1,80}\][ \t]*\r?\n\s*[\w.-]{1,80} ?="), "a file of settings"),
    (
        re.compile(
            r"(?:Array|[\w\\]{1,80} Object)\s*\(\s*\[|array\(\d+\) ?\{|(?:string\(\d+\) \"|object\([\w\\]+\)#\d)"
        ),
        "a value as a program prints it",
    ),
    (re.compile(r"[\w$.]{0,200}(?:Error|Exception)\b[^\n]{0,2000}\n\s+at |panic: [^\n]*\n\s*goroutine "), "an error"),
    (re.compile(r"age-encryption\.org/"), "an encrypted file"),
    # Base64 in lines, or in one; a column of checksums in hex has lines as long.
    (
        re.compile(
            r"(?=[0-9a-fA-F]*[g-zG-Z+/])(?:(?:[\w+/]{76}|[\w+/]{64})\r?\n[\w+/]{1,76}={0,2}(?:[\r\n]|\Z)"
            r"|[\w+/]{100,}={0,2}\s*\Z)",
            re.A,
        ),
        "a file in base64",
    ),
    (re.compile(r"[\w.-]{1,80}=[^\s&]*+(?:&[\w.-]{1,80}=[^\s&]*+)++\s*\Z"), "the fields of a form"),
    (re.compile(r"""["](?:[^"\\\r\n]|\\[^n])*+\\n(?:[^"\\\r\n]|\\.)*+["]\s*\Z"""), "a text inside JSON"),
    (re.compile(r"<%"), "a template that was not filled in"),
    (
        re.compile(
            r"(?:set-cookie|x-powered-by|cache-control|pragma|etag|vary|strict-transport-security): [^\r\n]*\r?\n"
            r"(?:[\w-]+: [^\r\n]*\r?\n)*+\r?\n",
            re.I,
        ),
        "an HTTP answer with a part of its head",
    ),
)
# What programs print instead of a value.
NO_VALUE: Final = re.compile(
    r"(?:ok|okay|done|success|none|nil|nan|undefined|\[object \w+\]|array|resource id #\d+|forbidden|unauthorized"
    r"|[A-Za-z]+(?:Denied|NotFound|Mismatch|Expired|Unavailable|Exceeded|NoSuchKey)|bool\(\w+\)|int\(-?\d+\))\.?",
    re.I,
)
# The name of a column in letters that are written with spaces between words.
ONE_WORD: Final = re.compile(r"[\w.:/-]+", re.A)
MAX_SENTENCE_CHARS: Final = 4096
LINE_ENDS: Final = ("\n", "\r")
SENTENCE_ENDS: Final = (".", "!", "?", "…", "\u3002", "\uff01", "\uff1f")
MAX_SENTENCE_LINES: Final = 20


class BadFileError(Exception):
    """The file is incomplete or of another kind; the text says why, for a person.

    `is_placeholder`: nothing came, or something else in the file's place, as hosts send before a file is there.
    """

    def __init__(self, message: str, *, is_placeholder: bool = False) -> None:
        super().__init__(message)
        self.is_placeholder = is_placeholder


def identify_binary(head: bytes) -> str:
    """Names the kind of a file that is no text, by its first bytes; "" for text. Not for UTF-16 and UTF-32."""
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if re.match(rb"BZh[1-9]1AY&SY", head):
        return "a bzip2 file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[4:8] == b"ftyp" and not head[0]:
        return "a video or picture"
    controls = len(head) - len(head.translate(None, CONTROLS))
    return "not text" if controls > MAX_CONTROL_SHARE * len(head) else ""


def identify_text(text: str, declared_type: str = "", layout: CsvLayout | None = None) -> str:
    """Names what a text is that is no table: a page, XML, JSON, a message; "" for what may be a table.

    `text`: the beginning. `declared_type`: the media type that its host named. `layout`: how it reads as a table; a
    text that is one regularly stays a table, however its first cell begins.
    """
    text = text.lstrip("\ufeff \t\r\n\x0b\x0c\0")
    if other := next((name for pattern, name in OTHER_TEXTS if pattern.match(text)), ""):
        return other
    # Markup and JSON in lines can look regular too, but for their first line.
    has_header = layout is not None and layout.is_regular and layout.widths[0] == layout.usual_width
    if text.startswith("<"):
        first_cell = text.partition(layout.delimiter)[0] if layout is not None and has_header else ""
        if name := _identify_markup(text, first_cell):
            return name
    if _is_json(text, has_header=has_header):
        return "JSON"
    if layout is not None and layout.usual_width > 1 and layout.widths.count(layout.usual_width) > 1:
        is_prose = all(line.rstrip().endswith((".", "!", "?")) for line in text.splitlines() if line.strip())
        is_prose = is_prose or (not layout.is_regular and bool(UNMISTAKABLE_ERRORS.match(text[:MAX_SENTENCE_CHARS])))
        return "a message, not an export" if is_prose and _is_message(text, declared_type) else ""
    is_one_line = len(text.splitlines()) <= 1
    if layout is not None and layout.usual_width < 2 and is_one_line and TYPES_OF_NO_TABLE.match(declared_type):
        return f"declared as {declared_type[:60]}, and no table"
    is_sentence = is_one_line and declared_type == "text/plain" and len(text.split()) > 2
    if NO_VALUE.fullmatch(text.strip()) or (is_sentence and layout is not None and layout.usual_width < 2):
        return "a message, not an export"
    if layout is not None and is_one_line and _is_sentence(text, declared_type, layout):
        return "a message, not an export"
    return "a message, not an export" if _is_message(text, declared_type) else ""


def _identify_markup(text: str, first_cell: str) -> str:
    """Names a page or XML document. `first_cell`: where the text reads as a regular table. Such a table may begin with
    <name> or with a tag that ends in the same cell, <b>Name</b>; on a page with commas in it, a tag ends elsewhere.
    """
    rest = text[end_of_prolog(text) :]
    is_xml = text[:5].lower() == "<?xml"
    if rest.startswith(("<!--", "<?")):  # it does not end within what was read
        return "a web page or XML document"
    if rest[:9].lower() == "<!doctype" or re.match(r"<(?:html|head|body)\b", rest, re.I):
        return "a web page"
    if is_xml:
        return "an XML document"
    tag = TAG.match(rest)
    is_html = tag is None or bool(HTML_TAGS.match(tag[1]))
    if NAMES_IN_BRACKETS.match(rest) or (tag is None and rest == text):
        return ""
    if first_cell and (NAME_IN_BRACKETS.fullmatch(first_cell) or (tag and f"</{tag[1]}" in first_cell)):
        return ""
    return "a web page" if is_html else "an XML document"


def _is_json(text: str, *, has_header: bool) -> bool:
    """Whether the text is JSON, or lines of it. In a regular table, a first cell that is JSON does not make it so."""
    if JSON_START.match(text) and (text.startswith("[") or not has_header):
        return True
    first_line = text.partition("\n")[0]
    return (len(text) <= HEAD_BYTES and _parses(text)) or (has_header and text[0] in "{[" and _parses(first_line))


def _parses(text: str) -> bool:
    try:
        return not isinstance(json.loads(text), str)
    except ValueError:
        return False
    except RecursionError:
        return True


def _is_sentence(text: str, declared_type: str, layout: CsvLayout) -> bool:
    """Whether a text of one line, in whatever language, is no table's header: most programs end a header's line."""
    if text.rstrip(" \t\0\x1a").endswith(LINE_ENDS):
        return False
    text = text.strip()
    ends_as_one = text.endswith(SENTENCE_ENDS)
    if layout.usual_width < 2:
        return ends_as_one or not (ONE_WORD.fullmatch(text) or TYPES_OF_TABLES.match(declared_type))
    # Behind the comma of a sentence stands a space.
    return ends_as_one and not re.search(r"[,;|\t]\S", text)


def _is_message(text: str, declared_type: str) -> bool:
    """Whether a short text is what a program says to a person, not the names of columns.

    Several lines are a column of words rather than a message where they are quoted or declared as a table, unless the
    first one is unmistakable.
    """
    lines = [line.strip() for line in text[: MAX_SENTENCE_CHARS + 1].splitlines() if line.strip()]
    if (
        not lines
        or len(text) > MAX_SENTENCE_CHARS
        or len(lines) > MAX_SENTENCE_LINES
        or not ERROR_WORDS.search(lines[0])
    ):
        return False
    is_column = len(lines) > 1 and (lines[0].startswith('"') or TYPES_OF_TABLES.match(declared_type))
    if is_column and not UNMISTAKABLE_ERRORS.match(lines[0]):
        return False
    cells = [cell for cell in re.split(r"[,;|\t]", lines[0]) if cell.strip()]
    words_per_cell = len(lines[0].split()) / max(1, len(cells))
    # Behind the comma of a sentence stands a space.
    is_prose = words_per_cell >= 2 and not re.search(r"[,;|\t]\S", lines[0])
    return len(cells) == 1 or lines[0].endswith((".", "!", "?")) or is_prose

"""Dark and light pages differ in colours alone, so what was checked in one holds for the other."""

import re
from pathlib import Path

from django.contrib.staticfiles import finders

# `light-dark()` takes colours and nothing else.
THEME = re.compile(r'(?:\[data-theme="\w+"\]|:root|:root, :root\[data-theme\]) \{\s*color-scheme: [\w ]+;')


def test_nothing_but_colours_depends_on_the_theme() -> None:
    folder = Path(str(finders.find("exports/tokens.css"))).parent
    sheets = {path.name: path.read_text() for path in folder.glob("*.css")}
    assert "light-dark(" in sheets["tokens.css"]
    for name, text in sheets.items():
        assert "prefers-color-scheme" not in text, name
        rest = THEME.sub("", text)
        assert "data-theme" not in rest, name
        assert "color-scheme" not in rest, name

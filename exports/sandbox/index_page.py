"""The page at the root: origins, credentials, projects, fault projects and controls."""

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from exports.sandbox.declaration import Declaration
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.request_parsing import Response, html_response

if TYPE_CHECKING:
    from exports.sandbox.state import SandboxState

BACKTICKS = re.compile(r"`([^`]+)`")
CODE = r"<code>\1</code>"
NOTICE = (
    "<p><strong>These are stand-ins for services, not the services themselves.</strong> Nothing here talks to "
    "{labels}, and nothing here is theirs. Their projects and files are made up, so that the portal can be tried "
    "without an account anywhere.</p>"
)
CONTROLS = (
    "<ul><li><code>GET /ledger</code>: the jobs really made, per project, and every request for one</li>"
    "<li><code>GET, POST, DELETE /control/faults</code>: make any project misbehave</li>"
    "<li><code>POST /control/reset</code>, <code>POST /control/expire_tokens</code>, "
    "<code>GET, POST /control/settings</code></li></ul>"
)


def root_page(state: "SandboxState", origin: str) -> Response:
    """The page; `origin` is the stand-in's address without a path."""
    stand_ins = [service.declaration for service in state.services.values()]
    origins = "".join(
        f"<tr><td>{escape(one.label)}</td><td><code>{escape(origin)}/{one.slug}</code></td></tr>" for one in stand_ins
    )
    credentials = "".join(
        f"<tr><td>{escape(one.label)}</td><td>{BACKTICKS.sub(CODE, escape(one.credentials_text))}</td></tr>"
        for one in stand_ins
    )
    with state.lock:
        projects = "".join(
            f"<tr><td>{escape(service.label)}</td><td><code>{escape(number)}</code></td><td>{escape(about)}</td></tr>"
            for service in state.services.values()
            for number, about in service.describe_projects()
        )
    heads = "".join(f"<th>{escape(one.label)}</th>" for one in stand_ins)
    notice = NOTICE.format(labels=escape(", ".join(one.label for one in stand_ins)))
    return html_response(
        "Stand-in providers",
        f"{notice}<h2>Origins</h2><table>{origins}</table><h2>Credentials</h2><table>{credentials}</table>"
        f"<h2>Projects</h2><table>{projects}</table><h2>Projects that misbehave</h2>"
        f"<table><tr><th></th><th>What happens</th>{heads}</tr>{_fault_rows(stand_ins)}</table>"
        f"<h2>Controls</h2>{CONTROLS}",
    )


def _fault_rows(stand_ins: Sequence[Declaration]) -> str:
    """A row per fault: its number, what happens, and the id of such a project at each stand-in that has one."""
    abouts: dict[int, str] = {}
    cells: dict[tuple[int, str], str] = {}
    for one in stand_ins:
        for row in fault_projects(one):
            abouts[row.number] = row.about
            cells[row.number, one.slug] = one.fault_project(row.number)
    return "".join(
        f"<tr><td>{number}</td><td>{escape(abouts[number])}</td>"
        + "".join(f"<td><code>{escape(cells.get((number, one.slug), ''))}</code></td>" for one in stand_ins)
        + "</tr>"
        for number in sorted(abouts)
    )

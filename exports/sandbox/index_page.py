"""The page at the root: origins, credentials, projects, fault projects and controls."""

from html import escape
from typing import TYPE_CHECKING

from exports.sandbox.fault_projects import FAULT_PROJECTS
from exports.sandbox.options import PROVIDERS
from exports.sandbox.request_parsing import Response, html_response

if TYPE_CHECKING:
    from exports.sandbox.state import SandboxState

CREDENTIALS = (
    ("PlayCanvas", "token <code>sandbox-token</code>"),
    ("AI Studios", "appId <code>sandbox-app</code>, userKey <code>sandbox-key</code>"),
    ("Toloka", "token <code>sandbox-token</code>, as <code>ApiKey</code> or <code>OAuth</code>"),
    (
        "Ulule",
        "API key <code>sandbox-key</code>; or OAuth2 client <code>sandbox-client</code>, "
        "secret <code>sandbox-secret</code>, refresh token <code>sandbox-refresh</code>",
    ),
)
NOTICE = (
    "<p><strong>These are stand-ins for four services, not the services themselves.</strong> Nothing here talks to "
    "PlayCanvas, AI Studios, Toloka or Ulule, and nothing here is theirs. The projects, orders, videos and archives "
    "are made up, so that the portal can be tried without an account anywhere.</p>"
)
CONTROLS = (
    "<ul><li><code>GET /ledger</code>: the jobs really made, per project, and every request for one</li>"
    "<li><code>GET, POST, DELETE /control/faults</code>: make any project misbehave</li>"
    "<li><code>POST /control/reset</code>, <code>POST /control/expire_tokens</code>, "
    "<code>GET, POST /control/settings</code></li></ul>"
)


def root_page(state: "SandboxState", origin: str) -> Response:
    """The page; `origin` is the stand-in's address without a path."""
    origins = "".join(
        f"<tr><td>{escape(state.services[slug].label)}</td><td><code>{escape(origin)}/{slug}</code></td></tr>"
        for slug in PROVIDERS
    )
    credentials = "".join(f"<tr><td>{label}</td><td>{text}</td></tr>" for label, text in CREDENTIALS)
    with state.lock:
        projects = "".join(
            f"<tr><td>{escape(state.services[slug].label)}</td><td><code>{number}</code></td><td>{escape(about)}</td></tr>"
            for slug in PROVIDERS
            for number, about in state.services[slug].describe_projects()
        )
    faults = "".join(
        f"<tr><td>{row.number}</td><td>{escape(row.about)}</td>"
        + "".join(f"<td><code>{row.id_at(slug) if slug in row.providers else ''}</code></td>" for slug in PROVIDERS)
        + "</tr>"
        for row in FAULT_PROJECTS
    )
    heads = "".join(f"<th>{escape(state.services[slug].label)}</th>" for slug in PROVIDERS)
    return html_response(
        "Stand-in providers",
        f"{NOTICE}<h2>Origins</h2><table>{origins}</table><h2>Credentials</h2><table>{credentials}</table>"
        f"<h2>Projects</h2><table>{projects}</table><h2>Projects that misbehave</h2>"
        f"<table><tr><th></th><th>What happens</th>{heads}</tr>{faults}</table><h2>Controls</h2>{CONTROLS}",
    )

"""Authentication at Ulule: API keys in all their forms, Basic, and OAuth2 with its token endpoint."""

import base64
import binascii
import secrets
import time
from typing import Any

from exports.sandbox.provider_base import Service
from exports.sandbox.request_parsing import Request, Response, json_response

USERNAME, PASSWORD, CODE = "sandbox-user", "sandbox-password", "sandbox-code"
ACCESS_SECONDS = 36_000


def parse_basic(value: str) -> tuple[str, str] | None:
    """User and password of a Basic header's value; None if it cannot be read."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


class Authenticator:
    """The issued tokens, and the parsing of Authorization headers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.clear()

    def clear(self) -> None:
        """Forgets all access tokens, and all refresh tokens but the documented ones."""
        self.access: dict[str, float] = {}
        self.refresh = set(self._service.accepted["refresh_token"])

    def expire(self) -> None:
        """Makes all access tokens invalid; refresh tokens stay."""
        self.access.clear()

    def snapshot(self) -> dict[str, Any]:
        """The tokens, as JSON can carry them."""
        return {"access": dict(self.access), "refresh": sorted(self.refresh)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over a snapshot."""
        self.access, self.refresh = dict(snapshot["access"]), set(snapshot["refresh"])

    def identify(self, header: str) -> str | None:
        """The credential in an Authorization header's value, None if it is not accepted.

        Accepted: `APIKey KEY` in any case, `ApiKey user:KEY`, Basic with the user `apikey`, Basic with user name and
        password, `Bearer TOKEN`.
        """
        scheme, _, value = header.partition(" ")
        value = value.strip()
        match scheme.lower():
            case "apikey":
                key = value.rpartition(":")[2]
                return key if self._service.accepts("api_key", key) else None
            case "basic":
                pair = parse_basic(value)
                if pair == (USERNAME, PASSWORD):
                    return USERNAME
                known = pair and pair[0].lower() == "apikey" and self._service.accepts("api_key", pair[1])
                return pair[1] if pair and known else None
            case "bearer":
                return value if time.time() < self.access.get(value, 0) else None
            case _:
                return None

    def token(self, call: Request) -> Response:
        """The token endpoint: form-encoded, the client by Basic or in the form; errors as in RFC 6749, section 5.2."""
        form = call.form()
        scheme, _, value = call.header("Authorization").partition(" ")
        client = (
            parse_basic(value)
            if scheme.lower() == "basic"
            else (form.get("client_id", ""), form.get("client_secret", ""))
        )
        pair = client or ("", "")
        if not self._service.accepts("client_id", pair[0]) or not self._service.accepts("client_secret", pair[1]):
            reply = _error("invalid_client", 401)
            reply.headers["WWW-Authenticate"] = 'Basic realm="stand-in"'
            return reply
        first = min(self._service.accepted["refresh_token"])
        match form.get("grant_type"):
            case "refresh_token":
                refresh = form.get("refresh_token", "")
                return self._issue(refresh) if refresh in self.refresh else _error("invalid_grant")
            case "password":
                good = (form.get("username"), form.get("password")) == (USERNAME, PASSWORD)
                return self._issue(first) if good else _error("invalid_grant")
            case "authorization_code":
                return self._issue(first) if form.get("code") == CODE else _error("invalid_grant")
            case _:
                return _error("unsupported_grant_type")

    def _issue(self, refresh: str) -> Response:
        now = time.time()
        self.access = {old: until for old, until in self.access.items() if until > now}
        token = f"stand-in-{secrets.token_urlsafe(18)}"
        self.access[token] = now + ACCESS_SECONDS
        if self._service.state.settings.rotate_refresh:
            self.refresh.discard(refresh)
            refresh = f"stand-in-refresh-{secrets.token_urlsafe(12)}"
        self.refresh.add(refresh)
        shown = {"access_token": token, "expires_in": ACCESS_SECONDS, "refresh_token": refresh}
        return json_response({**shown, "scope": "read write", "token_type": "Bearer"})


def _error(name: str, status: int = 400) -> Response:
    return json_response({"error": name}, status)

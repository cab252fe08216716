"""Middleware that chooses the language of a page: the reader's own, or the one that the browser asks for."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from exports.languages import ENGLISH

# What scripts and monitors read is the same for all; its words are a public contract.
ENGLISH_PATHS: Final = ("/api/", "/hooks/")


class LanguageMiddleware:
    """Activates the language of the request and names it in Content-Language.

    It runs after authentication. Only where the reader has chosen none does the answer vary by Accept-Language.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = _chosen(request)
        language = chosen or translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language)
            if not chosen:
                patch_vary_headers(response, ["Accept-Language"])
        return response


def _chosen(request: HttpRequest) -> str:
    """Returns the language that does not depend on the browser; "" where it does."""
    if request.path_info.startswith(ENGLISH_PATHS):
        return ENGLISH
    return request.user.language if request.user.is_authenticated else ""

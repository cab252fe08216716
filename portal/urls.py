"""The URL configuration: the admin, the API, the account pages and the other pages."""

from django.contrib import admin
from django.urls import include, path

from exports import admin as _pages  # noqa: F401  registers them with Django's admin site
from exports.api.docs_page import docs_view
from exports.api.problems import wrap_view
from exports.api.urls import api
from exports.web.api_page import api_page_context

urlpatterns = [
    path("admin/", admin.site.urls),
    # Where the two meet: neither the API nor the pages import one another.
    path("api/docs", wrap_view(docs_view(api, api_page_context)), name="api-docs"),
    path("api/", include("exports.api.urls")),
    path("", include("exports.web.account.urls")),
    path("", include("exports.web.urls")),
]
# allauth answers with it when one of its rate limits is exceeded.
handler429 = "exports.web.error_pages.too_many_requests"
# Django calls it for every error that nothing else answers; with a database that is away it is a 503.
handler500 = "exports.web.error_pages.server_failed"

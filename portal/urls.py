"""The URL configuration: the admin, the API, the account pages and the other pages."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("exports.api.urls")),
    path("", include("exports.web.account.urls")),
    path("", include("exports.web.urls")),
]
# allauth answers with it when one of its rate limits is exceeded.
handler429 = "exports.web.account.too_many_requests.too_many_requests"
# Django calls it for every error that nothing else answers; with a database that is away it is a 503.
handler500 = "exports.http.unavailable.server_failed"

"""Where every address begins."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("exports.api.urls")),
    path("", include("exports.web.account.urls")),
    path("", include("exports.web.urls")),
]
# What allauth answers with where somebody tries too often.
handler429 = "exports.web.account.too_many_requests.too_many_requests"

"""Where every address begins."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("exports.api.urls")),
    path("", include("exports.web.urls")),
]

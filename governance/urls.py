"""The portal's addresses."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from governance.health import healthz, readyz
from governance.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", include("partymembers.web.urls")),
    path("party/", include("partymembers.web.party.urls")),
    path("", include("partymembers.web.service.urls")),
    path("", include("cases.web.urls")),
    path("dashboard/", include("governance.dashboard.urls")),
    path("api/", include("governance.integration.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]

if settings.DEBUG or getattr(settings, "STYLEGUIDE", False):
    urlpatterns.append(path("styleguide/", include("governance.common.styleguide")))

handler400 = "governance.common.handlers.bad_request"
handler403 = "governance.common.handlers.permission_denied"
handler404 = "governance.common.handlers.not_found"
handler500 = "governance.common.handlers.server_error"

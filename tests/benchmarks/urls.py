"""The portal's own addresses, and two bare views beside them."""

from django.urls import URLPattern, URLResolver, path

from governance import urls as portal
from tests.benchmarks import views

handler400, handler403 = portal.handler400, portal.handler403
handler404, handler500 = portal.handler404, portal.handler500

urlpatterns: list[URLPattern | URLResolver] = [
    path("bare/insert/", views.insert, name="bare_insert"),
    path("bare/select/", views.select, name="bare_select"),
    *portal.urlpatterns,
]

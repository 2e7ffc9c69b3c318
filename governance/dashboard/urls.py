"""Addresses of the dashboard."""

from django.urls import path

from . import views
from .party import views as party

app_name = "dashboard"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("late/", views.late, name="late"),
    path("cases/", views.cases, name="cases"),
    path("export/", views.export_file, name="export"),
    path("party/", party.overview, name="party"),
    path("party/rows/", party.rows, name="party_rows"),
    path("party/export/", party.export_file, name="party_export"),
]

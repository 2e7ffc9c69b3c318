"""Addresses of the dashboard."""

from django.urls import path

from . import views

app_name = "dashboard"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("late/", views.late, name="late"),
    path("cases/", views.cases, name="cases"),
    path("export/", views.export_file, name="export"),
]

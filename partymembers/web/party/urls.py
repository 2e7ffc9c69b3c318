"""Addresses of branches and members."""

from django.urls import URLPattern

app_name = "party"

urlpatterns: list[URLPattern] = []

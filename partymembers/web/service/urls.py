"""Addresses of volunteers, activities, points, stations and lists."""

from django.urls import URLPattern

app_name = "service"

urlpatterns: list[URLPattern] = []

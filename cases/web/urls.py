"""Addresses of the orders' pages."""

from django.urls import path

from cases.web import attachments

app_name = "cases"

urlpatterns = [
    path("attachments/", attachments.upload, name="attachment_upload"),
    path("attachments/<str:token>/", attachments.attachment, name="attachment"),
    path("attachments/<str:token>/small/", attachments.thumbnail, name="attachment_thumbnail"),
]

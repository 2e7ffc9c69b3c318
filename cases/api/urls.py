"""Addresses of this room's endpoints, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from cases.api.acting import Act, Actions, OrderActions
from cases.api.attachments import AttachmentBytes
from cases.api.changes import ChangesFeed
from cases.api.creating import BulkOrders, OrdersDoor
from cases.api.intake import Intake
from cases.api.matters import Matters, MatterView
from cases.api.orders import EventsOfOrder, Order
from cases.api.uploading import Attachments, OneUpload, Uploads

urlpatterns: list[URLPattern] = [
    path("events/", ChangesFeed.as_view(), name="events"),
    path("intake/", Intake.as_view(), name="intake"),
    path("matters/", Matters.as_view(), name="matters"),
    path("matters/<str:code>/", MatterView.as_view(), name="matter"),
    path("actions/", Actions.as_view(), name="actions"),
    path("orders/", OrdersDoor.as_view(), name="orders"),
    path("orders/bulk/", BulkOrders.as_view(), name="orders_bulk"),
    path("orders/<str:number>/", Order.as_view(), name="order"),
    path("orders/<str:number>/events/", EventsOfOrder.as_view(), name="order_events"),
    path("orders/<str:number>/actions/", OrderActions.as_view(), name="order_actions"),
    path("orders/<str:number>/actions/<str:action>/", Act.as_view(), name="act"),
    path("attachments/", Attachments.as_view(), name="attachments"),
    path("uploads/", Uploads.as_view(), name="uploads"),
    path("uploads/<str:token>/", OneUpload.as_view(), name="upload"),
    path("attachments/<str:token>/", AttachmentBytes.as_view(), name="attachment"),
]

"""Addresses of this room's endpoints, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from cases.api.attachments import AttachmentBytes
from cases.api.matters import Matters, MatterView
from cases.api.orders import EventsOfOrder, Order, Orders

urlpatterns: list[URLPattern] = [
    path("matters/", Matters.as_view(), name="matters"),
    path("matters/<str:code>/", MatterView.as_view(), name="matter"),
    path("orders/", Orders.as_view(), name="orders"),
    path("orders/<str:number>/", Order.as_view(), name="order"),
    path("orders/<str:number>/events/", EventsOfOrder.as_view(), name="order_events"),
    path("attachments/<str:token>/", AttachmentBytes.as_view(), name="attachment"),
]

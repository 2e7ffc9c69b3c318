"""Addresses of the orders' pages."""

from django.urls import path

from cases.web import (
    acting,
    attachments,
    desk,
    following,
    notifications,
    panel,
    public,
    reporting,
    today,
)

app_name = "cases"

urlpatterns = [
    path("desk/", desk.desk, name="desk"),
    path("desk/bulk/<slug:action>/", desk.bulk, name="bulk"),
    path("handling/", desk.handling, name="handling"),
    path("views/<slug:board>/save/", desk.save_view, name="save_view"),
    path("views/<int:pk>/delete/", desk.delete_view, name="delete_view"),
    path("news/", desk.news, name="news"),
    path("orders/", desk.search, name="search"),
    path("orders/<str:number>/", panel.detail, name="detail"),
    path("orders/<str:number>/panel/", panel.panel, name="panel"),
    path("orders/<str:number>/phone/", panel.open_phone, name="open_phone"),
    path("orders/<str:number>/act/<slug:action>/", acting.act, name="act"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/unread/", notifications.unread, name="unread"),
    path("notifications/read/", notifications.read_all, name="notifications_read_all"),
    path("notifications/<int:notification_id>/", notifications.open_notification, name="notification_open"),
    path("notifications/<int:notification_id>/read/", notifications.read, name="notification_read"),
    path("attachments/", attachments.upload, name="attachment_upload"),
    path("attachments/<str:token>/", attachments.attachment, name="attachment"),
    path("attachments/<str:token>/small/", attachments.thumbnail, name="attachment_thumbnail"),
    path("today/", today.today, name="today"),
    path("mine/", today.mine, name="mine"),
    path("orders/<str:number>/verify/", today.verify, name="verify"),
    path("orders/<str:number>/join/", reporting.join, name="join_case"),
    path("orders/<str:number>/reported/", reporting.reported, name="reported"),
    path("report/", reporting.report, name="report"),
    path("report/matters/", reporting.matter_search, name="matter_search"),
    path("report/where/", reporting.locate, name="locate"),
    path("report/similar/", reporting.similar, name="similar"),
    path("sw.js", reporting.service_worker, name="service_worker"),
    path("outbox/", reporting.outbox, name="outbox"),
    path("outbox/state/", reporting.outbox_state, name="outbox_state"),
    path("r/<str:token>/", public.public_report, name="public_report"),
    path("r/<str:token>/matters/", public.public_matters, name="public_matters"),
    path("r/<str:token>/similar/", public.public_similar, name="public_similar"),
    path("r/<str:token>/join/<str:offer>/", public.public_join, name="public_join"),
    path("f/<str:token>/", following.public_follow_order, name="public_follow_order"),
    path("f/<str:token>/<slug:action>/", following.public_act, name="public_act"),
    path("follow/", following.public_follow, name="public_follow"),
]

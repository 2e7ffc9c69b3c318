"""Addresses of the orders' pages."""

from django.urls import path

from cases.web import acting, attachments, desk, notifications, panel

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
]

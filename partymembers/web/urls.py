"""Addresses of sign-in and of one's own page."""

from django.urls import path

from . import pages, signing

urlpatterns = [
    path("", pages.home, name="home"),
    path("login/", signing.sign_in, name="login"),
    path("logout/", signing.sign_out, name="logout"),
    path("password/", signing.password_change, name="password_change"),
    path("me/", pages.profile, name="profile"),
    path("me/post/", pages.switch_post, name="switch_post"),
    path("me/devices/<int:device_id>/forget/", pages.forget_device, name="forget_device"),
]

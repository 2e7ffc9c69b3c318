"""Puts the officers' site in the place of Django's own."""

from django.contrib.admin.apps import AdminConfig


class OfficersAdminConfig(AdminConfig):
    """`django.contrib.admin.site` is the site of the three officers."""

    default = False
    default_site = "partymembers.officers.OfficersSite"

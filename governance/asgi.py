"""The portal as an ASGI application, for a deployment that adds a process for long-lived streams."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings.local")

application = get_asgi_application()

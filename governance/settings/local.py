"""Settings of `make up`: one machine, the embedded services."""

import os

from governance.stack import addresses

from . import environment

# A second terminal (`manage.py shell`, an import) finds the services that `make up` started.
for _name, _value in addresses.published().items():
    os.environ.setdefault(_name, _value)

from .base import *  # noqa: E402, F403
from .base import BASE_DIR, env  # noqa: E402

DEBUG = env["DEBUG"]
SECRET_KEY = env["SECRET_KEY"] or environment.local_secret(BASE_DIR / "var" / "secret_key")
ALLOWED_HOSTS = env["ALLOWED_HOSTS"] or ["127.0.0.1", "localhost", "[::1]", "testserver"]

DEMO_TRICKLE = env["GEZHI_DEMO"]

# Files are served as they stand in the checkout: an edited style sheet shows on reload, nothing is collected.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

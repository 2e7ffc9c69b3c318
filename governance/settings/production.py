"""Settings of a deployment: everything comes from the environment, and what is unsafe is refused."""

from . import logs
from .base import *  # noqa: F403
from .base import BASE_DIR, PROXIES, env

env.require_production()

DEBUG = False
DEMO_ALLOWED = False
SECRET_KEY: str = env["SECRET_KEY"]
ALLOWED_HOSTS = env["ALLOWED_HOSTS"]

SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS: int = env["GEZHI_HSTS_SECONDS"]
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# Joining the browsers' preload list is for whoever owns the whole domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Hashed names let browsers keep files for ever. They are not compressed beforehand: that takes a minute
# for all libraries, and the proxy in front compresses what it serves.
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "governance.common.statics.HashedStaticStorage"},
}

LOGGING = logs.logging_settings(level=env["GEZHI_LOG_LEVEL"], json=True)

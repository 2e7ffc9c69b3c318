"""What every settings module shares."""

from __future__ import annotations

import os
from datetime import timedelta

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import api, environment, logs, tasks

env = environment.current()

BASE_DIR = environment.BASE_DIR

DEBUG = False
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "partymembers.admin_app.OfficersAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "template_partials",
    "import_export",
    "axes",
    "csp",
    "django_structlog",
    "django_linear_migrations",
    "treebeard",
    "grids",
    "partymembers",
    "cases",
    "governance",
]

MIDDLEWARE = [
    "governance.metrics.LatencyMiddleware",
    "governance.common.browsing.CallerAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "governance.common.browsing.ContentPolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "governance.common.browsing.IdleSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "governance.common.sizes.BodySizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "partymembers.middleware.AccessMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "governance.common.handlers.DomainErrorMiddleware",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"
ASGI_APPLICATION = "governance.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.common.navigation.surroundings",
            ],
            "libraries": {"gezhi": "governance.common.templatetags.gezhi"},
        },
    },
]

# psycopg2 has no pool in Django: each thread keeps its connection and looks after it.
DATABASES = {
    "default": {
        **(env["DATABASE_URL"] or environment.read_database("postgres:///gezhi")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
# A server that is gone without a word (a fail-over, a pulled cable) is noticed within half a minute, not
# after the two hours of the system's own keep-alive. DATABASE_URL may say otherwise.
_PATIENCE = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
for _name, _value in (_PATIENCE | {"tcp_user_timeout": 25_000}).items():
    DATABASES["default"]["OPTIONS"].setdefault(_name, _value)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env["REDIS_URL"] or "redis://127.0.0.1:6379/0"
CACHES = {
    "default": {
        "BACKEND": "governance.common.caching.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "gezhi",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 1)},
    }
}

AUTH_USER_MODEL = "partymembers.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "partymembers.backends.StaffBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "governance.common.passwords.CharacterClassesValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# GB/T 22239 level three: five wrong passwords of one name from one address close that door for 15 minutes.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HTTP_RESPONSE_CODE = 429
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
AXES_USERNAME_CALLABLE = "partymembers.lockout.attempt_key"
AXES_CLIENT_IP_CALLABLE = "partymembers.lockout.caller_address"
AXES_LOCKOUT_CALLABLE = "partymembers.web.signing.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has it
AXES_ENABLE_ADMIN = False

# The row in PostgreSQL is the session, so a flushed Valkey signs nobody out.
# IdleSessionMiddleware writes at most once a minute; the extra minute keeps the promised half hour.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 30 * 60 + 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "governance.common.handlers.csrf_failure"
CSRF_TRUSTED_ORIGINS: list[str] = env["CSRF_TRUSTED_ORIGINS"]
PROXIES: int = env["GEZHI_PROXIES"]

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
MAP_TILES: str = env["GEZHI_MAP_TILES"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"]
        + (["/".join(MAP_TILES.split("/")[:3]).replace("{s}", "*")] if MAP_TILES.startswith("http") else []),
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# The admin's theme evaluates expressions of its templates; only configuration officers come there.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": ["'unsafe-inline'", "'unsafe-eval'"],
    "style-src": ["'unsafe-inline'"],
}
UNFOLD = {
    "SITE_TITLE": _("Gezhi"),
    "SITE_HEADER": _("Gezhi administration"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/favicon.svg")}
    ],
    "SITE_ICON": lambda request: static("img/favicon.svg"),
    "STYLES": [lambda request: static("css/admin.css")],
    "SHOW_HISTORY": False,  # the audit trail has it
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {  # the brand's red, from pale to dark
            "50": "oklch(97.1% .013 17.38)",
            "100": "oklch(93.6% .032 17.717)",
            "200": "oklch(88.5% .062 18.334)",
            "300": "oklch(80.8% .114 19.571)",
            "400": "oklch(65% .16 22.216)",
            "500": "oklch(52% .17 25.331)",
            "600": "oklch(44% .155 25.723)",
            "700": "oklch(39% .14 26)",
            "800": "oklch(34% .12 26)",
            "900": "oklch(29% .1 26)",
            "950": "oklch(22% .08 26)",
        }
    },
}
PERMISSIONS_POLICY: dict[str, list[str] | str] = {
    "geolocation": "self",
    "camera": "self",
    "microphone": [],
    "payment": [],
    "usb": [],
    "browsing-topics": [],
}

# The fields of a multipart form: far more than any takes, so that the form itself can say so and give the
# text back; `governance.common.sizes` guards it. Photos come as files, with limits where they are stored.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# Ways out of the portal are off until the environment names them.
globals().update(env["GEZHI_MAIL_URL"] or {})
DEFAULT_FROM_EMAIL: str = env["GEZHI_MAIL_FROM"]
EMAIL_TIMEOUT = 10
ORIGIN: str = (env["GEZHI_ORIGIN"] or "").rstrip("/")
SMS_URL: str = env["GEZHI_SMS_URL"] or ""
SMS_KEY: str = env["GEZHI_SMS_KEY"] or ""
SMS_SECRET: str = env["GEZHI_SMS_SECRET"] or ""
SMS_TEMPLATES: dict[str, str] = env["GEZHI_SMS_TEMPLATES"]
OUTBOUND_CHANNELS: list[str] = ["mail"] * bool(env["GEZHI_MAIL_URL"]) + ["sms"] * bool(SMS_URL)

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env["GEZHI_MEDIA_ROOT"] or BASE_DIR / "var" / "media"
KEEP_MESSAGES_DAYS: int = env["GEZHI_KEEP_MESSAGES_DAYS"]
KEEP_AUDIT_DAYS: int = env["GEZHI_KEEP_AUDIT_DAYS"]
ARCHIVE_ROOT = env["GEZHI_ARCHIVE_ROOT"]

REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api.SPECTACULAR_SETTINGS

globals().update(tasks.celery_settings(REDIS_URL))
# How many times as fast as on a server beat's rounds and the workers' signs of life follow each other.
TASK_PACE = 1

METRICS_TOKEN: str | None = env["GEZHI_METRICS_TOKEN"]
if env["GEZHI_METRICS_FOLDER"]:
    # The library of the metrics reads this when it is imported, which the addresses do later.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(env["GEZHI_METRICS_FOLDER"])

# The demo city's passwords are known to everybody: production refuses it, and only `make up` has live orders.
DEMO_ALLOWED = True
DEMO_TRICKLE = False

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10
# A task's lines carry its id and the id of the request that it follows from. Of its own coming and going
# there is nothing to tell (beat sends several a second), unless it fails.
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = 10
DJANGO_STRUCTLOG_CELERY_TASK_RETRY_LOG_LEVEL = 10
LOGGING = logs.logging_settings(level=env["GEZHI_LOG_LEVEL"], json=False)
logs.configure()

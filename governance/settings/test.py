"""Settings of `make test`."""

import os
import zlib

from . import tasks
from .base import *  # noqa: F403
from .base import BASE_DIR, CACHES, DATABASES, REDIS_URL, env

SECRET_KEY = "test-only-" + "x" * 50
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
DATABASES["default"]["TEST"] = {
    "NAME": env["GEZHI_TEST_DB"],
    # Of `scripts/check.py`: a migrated database, which is quicker copied than migrated in each process.
    "TEMPLATE": env["GEZHI_TEST_TEMPLATE"],
}
MEDIA_ROOT = BASE_DIR / "var" / "test-media" / os.environ.get("PYTEST_XDIST_WORKER", "main")

# Each test process has its own Valkey database (1 to 15) and key prefix, so that none sees another's nudges.
TEST_SPACE = env["GEZHI_TEST_DB"] + os.environ.get("PYTEST_XDIST_WORKER", "")
_number = zlib.crc32(TEST_SPACE.encode()) % 15 + 1
if REDIS_URL.startswith("unix:"):
    REDIS_URL = f"{REDIS_URL.split('?')[0]}?db={_number}"
else:
    REDIS_URL = f"{REDIS_URL.rsplit('/', 1)[0] if REDIS_URL.count('/') > 2 else REDIS_URL}/{_number}"
CACHES["default"] |= {"LOCATION": REDIS_URL, "KEY_PREFIX": TEST_SPACE}
globals().update(tasks.celery_settings(REDIS_URL, key_prefix=TEST_SPACE + ":"))
# Real workers and beats of tests go the same rounds, only sooner: nobody waits for the next one.
TASK_PACE = 5
CELERY_BEAT_MAX_LOOP_INTERVAL = 1

# Argon2 costs 50 ms a sign-in on purpose; tests sign in thousands of times. One test checks the real hasher.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

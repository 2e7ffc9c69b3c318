"""Settings of `make up`: one machine, the embedded services."""

from .base import *  # noqa: F403

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="local-only-" + "x" * 50)  # noqa: F405
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]

"""Settings of `make chaos`: those of `make up`."""

import os

from governance.settings.local import *  # noqa: F403

DEBUG = False
SECRET_KEY = "chaos-only-" + "x" * 50
MEDIA_ROOT = os.environ.get("STAND_MEDIA", "/nonexistent")

"""The portal as a WSGI application: what gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings.local")

application = get_wsgi_application()

# What has been loaded lives as long as the process. Set aside, it is not walked at each collection, and the
# workers forked from here go on sharing its memory. A page makes some thousand objects and drops them itself.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)

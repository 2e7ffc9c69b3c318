"""The project; importing it makes Celery's application the one that `shared_task` binds to."""

from .celery import app as celery_app

__all__ = ["celery_app"]

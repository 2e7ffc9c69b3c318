"""Backups: the database and the attachments of one moment, in a folder that is either whole or not there.

Why so: docs/adr/0022-backups-of-one-moment.md. Commands: `manage.py backup`, `manage.py restore`.
"""

"""The services and processes of one machine: `python -m governance.stack up|test-services|reset|status`.

Needs the standard library and the installed wheels; no Django model is imported here.
"""

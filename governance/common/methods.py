"""The methods of pages. What may be looked at answers HEAD, too: probes and previews of links ask by it."""

from __future__ import annotations

from django.views.decorators.http import require_http_methods

#: A page with a form that is sent back to the same address. Ask for `method == "POST"`: all else only looks.
require_form = require_http_methods(["GET", "HEAD", "POST"])

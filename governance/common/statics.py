"""Static files named by their content."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticStorage(ManifestStaticFilesStorage):
    """Django's manifest storage for front-end libraries as they are published.

    Their `sourceMappingURL` comments name files that are not shipped, so only `url()` and `@import` of style
    sheets are rewritten; a name missing from the manifest is served as it is rather than as an error page.
    """

    manifest_strict = False
    patterns = (
        (
            "*.css",
            (
                r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))""",
                (r"""(?P<matched>@import\s*["']\s*(?P<url>.*?)["'])""", """@import url("%(url)s")"""),
            ),
        ),
    )

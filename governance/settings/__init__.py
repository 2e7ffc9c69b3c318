"""Settings: `local` (make up), `test` (make test), `production`; all build on `base`."""

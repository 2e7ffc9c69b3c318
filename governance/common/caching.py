"""The cache that may be absent: Valkey holds nothing that PostgreSQL does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger("gezhi.cache")

# After a failure the cache is left alone this long (seconds), so that an unreachable host costs
# one time-out now and then and not one on every look-up of every request.
REST = 2.0


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache which, while the server is down, behaves like an empty one.

    Reads miss, writes are dropped, `add` answers True. Do not count anything here that must hold
    while Valkey is away (a lock-out, a quota): such truth belongs into PostgreSQL.
    """

    _resting_until = 0.0

    def _attempt(self, call: Callable[[], Any], otherwise: Any) -> Any:
        if time.monotonic() < self._resting_until:
            return otherwise
        try:
            return call()
        except (RedisError, OSError) as error:
            self._resting_until = time.monotonic() + REST
            logger.warning("cache_unavailable", extra={"reason": type(error).__name__})
            return otherwise

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).add(*args, **kwargs), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._attempt(lambda: super(ForgivingRedisCache, self).set(*args, **kwargs), None)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).touch(*args, **kwargs), False)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs), False)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).get_many(*args, **kwargs), {})

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).has_key(*args, **kwargs), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).incr(key, delta, version), delta)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(lambda: super(ForgivingRedisCache, self).set_many(*args, **kwargs), [])

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._attempt(lambda: super(ForgivingRedisCache, self).delete_many(*args, **kwargs), None)

    def clear(self) -> Any:
        return self._attempt(super().clear, False)

"""Settings of the tests: production's with the changes below.

`DATABASE_URL` and `CACHE_URL` come from the environment, as in production.
"""

import os
from urllib.parse import urlsplit

from apicredentials.keys.hash_keys import development_hash_keys
from apicredentials.keys.signing_keys import development_signing_keys

# Before the import below, which fails without keys. A developer's own .env must not matter.
os.environ |= {
    "ENV_FILE": os.devnull,
    "DEBUG": "off",
    "REQUIRE_MFA": "off",
    "ISSUER_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "EMAIL_URL": "memorymail://",
    "SECRET_KEY": "the-key-of-the-tests-is-known-to-everyone-and-protects-nothing",
    "SECRET_HASH_KEYS": development_hash_keys("tests"),
    "TOKEN_SIGNING_KEYS": development_signing_keys("tests"),
    # Playwright's synchronous API runs an event loop in the test's thread, where Django would refuse the ORM.
    "DJANGO_ALLOW_ASYNC_UNSAFE": "on",
}

# Clearing Django's Redis cache empties the whole Redis database, so each xdist worker gets one of its own.
cache_url = urlsplit(os.environ.get("CACHE_URL", ""))
if cache_url.scheme.startswith("redis"):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    database = int(cache_url.path.strip("/") or 0) + int(worker)
    os.environ["CACHE_URL"] = cache_url._replace(path=f"/{database}").geturl()

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASE_POOLER, DATABASES, MIDDLEWARE, OAUTH2_PROVIDER, STORAGES  # noqa: E402

WRITES_USAGE = False

# Argon2 is slow by design, so tests use a fast hasher.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# DOT caches its oauthlib core per view class, with the settings of the first test.
OAUTH2_PROVIDER["ALWAYS_RELOAD_OAUTHLIB_CORE"] = True

# The live server finds static files in their source folders.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")

# Creating and dropping a test database may take longer than the limits of a request.
if DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
    DATABASE_LIMITS = {"statement_timeout": "5min", "lock_timeout": "1min"}
    if not DATABASE_POOLER:
        DATABASES["default"]["OPTIONS"]["options"] = "-c jit=off -c statement_timeout=5min -c lock_timeout=1min"
    DATABASE_WAIT_SECONDS = 330

"""A stock django-oauth-toolkit project, to compare with: default validator, default models, same versions."""

import os

import environ

env = environ.Env()

SECRET_KEY = "a-key-for-benchmarks-that-protects-nothing-0123456789"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "tests.benchmarks.stock.urls"
DATABASES = {"default": env.db_url("DATABASE_URL") | {"CONN_MAX_AGE": 600}}
# Hashing must not decide: a fast function, as ours is.
PASSWORD_HASHERS = ["tests.benchmarks.stock.hashers.FastHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
OAUTH2_PROVIDER = {
    "SCOPES": {"read": "Read", "write": "Write"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 599,
    "PKCE_REQUIRED": False,
    "ROTATE_REFRESH_TOKEN": True,
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.stock.settings")

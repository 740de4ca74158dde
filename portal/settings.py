"""Every setting of the portal, and the only module that reads the environment.

`.env.example` lists each variable with its meaning. A variable `ENV_FILE` names a file of such lines to
read first (default: `.env` beside `manage.py`); the real environment wins over the file.
"""

import sys
from collections.abc import Callable
from ipaddress import ip_network
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from warnings import catch_warnings

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from apicredentials.keys.hash_keys import development_hash_keys
from apicredentials.keys.required_keys import require_strong
from apicredentials.keys.signing_keys import development_signing_keys
from portal import logs
from portal.mail_sender import is_one_address, no_reply

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def checked(name: str, read: Callable[[], Any]) -> Any:
    """Return what `read` makes of the variable `name`; refuse nonsense without repeating it: it may hold a password."""
    try:
        with catch_warnings(action="ignore"):
            return read()
    except (LookupError, OSError, ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} is not valid: .env.example shows what it looks like.") from error


if ENV_FILE := env.str("ENV_FILE", default=""):
    # What was named must be there: without its settings this would be another portal, on another database.
    checked("ENV_FILE", lambda: Path(ENV_FILE).read_text(encoding="utf-8"))
env.read_env(ENV_FILE or BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)

# ---- Keys -----------------------------------------------------------------------------------------------


def read_key(name: str) -> str:
    """Return the variable `name`, or the contents of the file that `<name>_FILE` names, or ''."""
    if path := env.str(f"{name}_FILE", default=""):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error}") from error
    return env.str(name, default="")


SECRET_KEY = read_key("SECRET_KEY")
# Read once here, to refuse to start without; `apicredentials.keyring` reads a file again when it changes.
SECRET_HASH_KEYS_FILE = env.str("SECRET_HASH_KEYS_FILE", default="")
TOKEN_SIGNING_KEYS_FILE = env.str("TOKEN_SIGNING_KEYS_FILE", default="")
SECRET_HASH_KEYS = read_key("SECRET_HASH_KEYS")
TOKEN_SIGNING_KEYS = read_key("TOKEN_SIGNING_KEYS")
if DEBUG:
    SECRET_KEY = SECRET_KEY or "insecure-key-for-development-only-0123456789-0123456789"
    SECRET_HASH_KEYS = SECRET_HASH_KEYS or development_hash_keys(SECRET_KEY)
    TOKEN_SIGNING_KEYS = TOKEN_SIGNING_KEYS or development_signing_keys(SECRET_KEY)
require_strong(SECRET_KEY, SECRET_HASH_KEYS, TOKEN_SIGNING_KEYS)

# ---- Addresses ------------------------------------------------------------------------------------------

PORTAL_NAME = env.str("PORTAL_NAME", default="Verkopersportaal")
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
PORT = checked("PORT", lambda: env.int("PORT", default=8000))
ISSUER_URL = env.str("ISSUER_URL", default=f"http://localhost:{PORT}").rstrip("/")
# The Retailer API as a resource. It has no path of its own: with one, clients would look for its metadata elsewhere,
# below /.well-known/oauth-protected-resource, and refuse what they find there (RFC 9728 §3.1, §3.3).
RESOURCE_URL = ISSUER_URL

issuer = checked("ISSUER_URL", lambda: urlsplit(ISSUER_URL))
checked("ISSUER_URL", lambda: issuer.port)
if issuer.scheme not in {"http", "https"} or not issuer.hostname or issuer.query or issuer.fragment:
    raise ImproperlyConfigured("ISSUER_URL must be an http(s) address without query or fragment.")
served_over_https = issuer.scheme == "https"

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=LOOPBACK_HOSTS if issuer.hostname in LOOPBACK_HOSTS else [issuer.hostname]
)
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
checked("TRUSTED_PROXIES", lambda: [ip_network(proxy, strict=False) for proxy in TRUSTED_PROXIES])

# ---- Applications ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "phonenumber_field",
    "django.forms",  # its templates, for the renderer that also finds ours
    # After the libraries: our admin modules take back what theirs register.
    "accounts.apps.AccountsConfig",
    "apicredentials.apps.ApiCredentialsConfig",
]

MIDDLEWARE = [
    "portal.middleware.TrustedProxyMiddleware",
    "portal.middleware.RequestLogMiddleware",
    # From here on the machine-facing addresses are answered; what follows is for people with a browser.
    "portal.middleware.MachineEndpointMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionLimitMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.SellerMiddleware",
    "accounts.required_factor.RequiredFactorMiddleware",
    "portal.middleware.NeverStoreMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
FORM_RENDERER = "portal.form_renderer.PortalRenderer"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
                "apicredentials.views.dialogs.settings_link",
            ],
        },
    },
]

# ---- Storage --------------------------------------------------------------------------------------------

DATABASES = {
    "default": checked(
        "DATABASE_URL", lambda: env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    )
}
if checked("DATABASE_URL", lambda: DATABASES["default"]["ENGINE"]) == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing at COMMIT; readers never wait for them.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "server_side_binding": True,
    } | DATABASES["default"].get("OPTIONS", {})
# So that a frozen database costs a request ten seconds at most.
DATABASE_LIMITS = {"statement_timeout": "10s", "lock_timeout": "5s"}
# The database is behind PgBouncer in transaction mode: each transaction may get another connection of the server.
DATABASE_POOLER = checked("DATABASE_POOLER", lambda: env.bool("DATABASE_POOLER", default=False))
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    if DATABASE_POOLER:
        DATABASES["default"] |= {"ENGINE": "portal.pooled_postgresql", "DISABLE_SERVER_SIDE_CURSORS": True}
    else:
        DATABASES["default"]["OPTIONS"] = {
            "options": " ".join(f"-c {name}={value}" for name, value in DATABASE_LIMITS.items()),
            # The hot paths repeat two statements; planning them each time costs more than running them.
            "prepare_threshold": 5,
        } | DATABASES["default"]["OPTIONS"]
elif DATABASE_POOLER:
    raise ImproperlyConfigured("DATABASE_POOLER is for PostgreSQL: DATABASE_URL names another database.")
# A little more than the server's own limit, for when the server is frozen itself.
DATABASE_WAIT_SECONDS = 12
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": checked("CACHE_URL", lambda: env.cache_url("CACHE_URL", default="locmemcache://"))}
if "redis" in CACHES["default"]["BACKEND"]:
    CACHES["default"] |= {
        "BACKEND": "portal.caches.ForgivingRedisCache",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
else:
    # The default of 300 would let anyone push the counts of failed attempts out.
    CACHES["default"]["OPTIONS"] = {"MAX_ENTRIES": 10_000}

# ---- Signing in -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.PortalBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "apicredentials:settings"

ACCOUNT_ADAPTER = "accounts.security.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.security.security_forms.SignInForm",
    "reset_password": "accounts.security.security_forms.PasswordResetForm",
    "reset_password_from_key": "accounts.security.security_forms.PasswordResetKeyForm",
    "change_password": "accounts.security.security_forms.PasswordChangeForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    # Wrong attempts are what is scarce; a whole office may sign in from one address.
    "login": "300/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    # Codes of one user, from all addresses together: there are only a million of them.
    "code_failed": "20/h/key",
    "link_failed": "30/h/ip",
    "invite": "30/h/user",
}
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 30 * 60
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

REQUIRE_MFA = env.str("REQUIRE_MFA", default="staff")
if REQUIRE_MFA not in {"off", "staff", "owners", "all"}:
    raise ImproperlyConfigured("REQUIRE_MFA must be off, staff, owners or all.")
MFA_ADAPTER = "accounts.security.factors.FactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.security.security_forms.CodeForm",
    "authenticate_webauthn": "accounts.security.security_forms.PasskeyStepForm",
    "login_webauthn": "accounts.security.security_forms.PasskeySignInForm",
}
# Recovery codes are ours: allauth stores a seed from which they can be computed, we store hashes.
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = 2 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = served_over_https
SESSION_COOKIE_NAME = "__Host-sessionid" if served_over_https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if served_over_https else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
DEVICE_COOKIE_NAME = "__Host-device" if served_over_https else "device"
CSRF_TRUSTED_ORIGINS = [f"{issuer.scheme}://{issuer.netloc}"]
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
# Flash messages live in the session: the default's cookie can be read by anyone who holds the browser.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# ---- The authorization server (django-oauth-toolkit) ------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "apicredentials.OAuthClient"
OAUTH2_PROVIDER_GRANT_MODEL = "apicredentials.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "apicredentials.RevokedAccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "apicredentials.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "apicredentials.IDToken"  # noqa: S105
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "apicredentials.oauth.server.AuthorizationServer",
    "OAUTH2_BACKEND_CLASS": "apicredentials.oauth.server.AuthorizationRequestTranslator",
    "OAUTH2_VALIDATOR_CLASS": "apicredentials.oauth.validators.PortalValidator",
    "SCOPES_BACKEND_CLASS": "apicredentials.oauth.validators.ScopesBackend",
    "OIDC_ISS_ENDPOINT": ISSUER_URL,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# ---- What every answer carries --------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if served_over_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = served_over_https
# Sending plain HTTP on to HTTPS is for the proxy that ends TLS: here it would hide from a client that it
# has just sent its secret in the clear.
SILENCED_SYSTEM_CHECKS = ["security.W008"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# ---- Mail, language, logs -------------------------------------------------------------------------------

email = checked("EMAIL_URL", lambda: env.email_url("EMAIL_URL", default="consolemail://"))
MAILERS = {"default": {"BACKEND": email["EMAIL_BACKEND"], "OPTIONS": {}}}
if email["EMAIL_BACKEND"].endswith("console.EmailBackend"):
    # Standard output belongs to the commands: with --json nothing else may stand there.
    MAILERS["default"]["OPTIONS"] = {"stream": sys.stderr}
elif email["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
    MAILERS["default"]["OPTIONS"] = {"file_path": f"/{email['EMAIL_FILE_PATH']}"}
elif email["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
    MAILERS["default"]["OPTIONS"] = {
        "host": email["EMAIL_HOST"] or "localhost",
        "port": email["EMAIL_PORT"] or 25,
        "username": email["EMAIL_HOST_USER"],
        "password": email["EMAIL_HOST_PASSWORD"],
        "use_tls": email.get("EMAIL_USE_TLS", False),
        "use_ssl": email.get("EMAIL_USE_SSL", False),
        "timeout": 10,
    }
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="")
try:
    DEFAULT_FROM_EMAIL = DEFAULT_FROM_EMAIL or no_reply(PORTAL_NAME, issuer.hostname)
except ValueError as error:
    raise ImproperlyConfigured(
        "PORTAL_NAME does not fit in the From header of a mail: it is too long, or has control characters or repeated "
        "spaces. Shorten it, or set DEFAULT_FROM_EMAIL."
    ) from error
if not is_one_address(DEFAULT_FROM_EMAIL):
    raise ImproperlyConfigured(
        'DEFAULT_FROM_EMAIL must be one address. Put a name with punctuation in quotes: "Groot & Zn." <mail@example.nl>'
    )

LANGUAGE_CODE = "nl"
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True
PHONENUMBER_DEFAULT_REGION = "NL"

LOGGING_CONFIG = "portal.logs.configure"
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
checked("LOG_LEVEL", lambda: getLevelNamesMapping()[LOG_LEVEL.upper()])
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
checked("LOG_FORMAT", lambda: ["console", "json"].index(LOG_FORMAT))
LOGGING = logs.settings(level=LOG_LEVEL, format=LOG_FORMAT)

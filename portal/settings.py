"""Every setting of the portal.

The environment is read here and nowhere else. `.env.example` lists each variable with its meaning. A variable
`ENV_FILE` names a file of such lines to read first (default: `.env` beside `manage.py`); the real environment wins.
"""

from pathlib import Path

from django.utils.csp import CSP

from apicredentials.keys.hash_keys import development_hash_keys
from apicredentials.keys.required_keys import require_strong
from apicredentials.keys.signing_keys import development_signing_keys
from portal import environment as env
from portal import logs, service_urls

BASE_DIR = Path(__file__).resolve().parent.parent

if ENV_FILE := env.text("ENV_FILE"):
    # A named ENV_FILE must exist: falling back to the defaults would silently use another database.
    env.read_file(Path(ENV_FILE), name="ENV_FILE")
elif (BASE_DIR / ".env").exists():
    env.read_file(BASE_DIR / ".env", name=".env")

DEBUG = env.flag("DEBUG")

# ---- Keys -----------------------------------------------------------------------------------------------

SECRET_KEY = env.secret_file("SECRET_KEY")
# Read here to refuse to start without them; `apicredentials.keys.keyring` reads a file again when it changes.
SECRET_HASH_KEYS_FILE = env.text("SECRET_HASH_KEYS_FILE")
TOKEN_SIGNING_KEYS_FILE = env.text("TOKEN_SIGNING_KEYS_FILE")
SECRET_HASH_KEYS = env.secret_file("SECRET_HASH_KEYS")
TOKEN_SIGNING_KEYS = env.secret_file("TOKEN_SIGNING_KEYS")
if DEBUG:
    SECRET_KEY = SECRET_KEY or "insecure-key-for-development-only-0123456789-0123456789"
    SECRET_HASH_KEYS = SECRET_HASH_KEYS or development_hash_keys(SECRET_KEY)
    TOKEN_SIGNING_KEYS = TOKEN_SIGNING_KEYS or development_signing_keys(SECRET_KEY)
require_strong(SECRET_KEY, SECRET_HASH_KEYS, TOKEN_SIGNING_KEYS)

# ---- Addresses ------------------------------------------------------------------------------------------

PORTAL_NAME = env.text("PORTAL_NAME", default="Verkopersportaal")
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
PORT = env.port("PORT", default=8000)
issuer = env.origin("ISSUER_URL", default=f"http://localhost:{PORT}")
issuer_host = env.without_port(issuer.netloc)
ISSUER_URL = issuer.geturl()
# The Retailer API as a resource. It has no path of its own: with one, clients would look for its metadata elsewhere,
# below /.well-known/oauth-protected-resource, and refuse what they find there (RFC 9728 §3.1, §3.3).
RESOURCE_URL = ISSUER_URL
served_over_https = issuer.scheme == "https"

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=LOOPBACK_HOSTS if issuer_host in LOOPBACK_HOSTS else [issuer_host])
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# Links of the marketplace itself, on pages and in mails; '' where there is none.
HELP_URL = env.link("HELP_URL")
API_DOCS_URL = env.link("API_DOCS_URL")
STATUS_URL = env.link("STATUS_URL")
SUPPORT_EMAIL = env.mailbox("SUPPORT_EMAIL")

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
    "django.forms",  # its templates, for FORM_RENDERER
    # After the libraries: our admin modules unregister some of theirs.
    "accounts.apps.AccountsConfig",
    "apicredentials.apps.ApiCredentialsConfig",
]

# The order for the machine-facing addresses, which have no other path than this (portal.machine_endpoints).
MACHINE_MIDDLEWARE = [
    "portal.middleware.TrustedProxyMiddleware",
    "portal.middleware.RequestLogMiddleware",
]
MIDDLEWARE = [
    *MACHINE_MIDDLEWARE,
    "apicredentials.oauth.opener_policy.OpenerPolicyMiddleware",
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
                "apicredentials.views.dialogs.return_link",
            ],
        },
    },
]

# ---- Storage --------------------------------------------------------------------------------------------

# On behind PgBouncer in transaction mode, which keeps no state of a connection between transactions.
DATABASE_POOLER = env.flag("DATABASE_POOLER")
DATABASES = {
    "default": service_urls.database(
        "DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}", is_pooled=DATABASE_POOLER
    )
}
DATABASE_LIMITS = service_urls.DATABASE_LIMITS
# Client-side timeout, longer than statement_timeout: a frozen server cannot enforce its own.
DATABASE_WAIT_SECONDS = 12

CACHES = {"default": service_urls.cache("CACHE_URL", default="locmemcache://")}

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
    "reauthenticate": "accounts.security.security_forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    # Limit failures rather than sign-ins: a whole office may share one address.
    "login": "300/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    # Codes of one user, from all addresses together, because there are only a million possible codes.
    "code_failed": "20/h/key",
    "link_failed": "30/h/ip",
    "invite": "30/h/user",
}
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 30 * 60
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# Who must have a second factor: nobody, staff, owners too, or everybody.
REQUIRE_MFA = env.choice("REQUIRE_MFA", ["off", "staff", "owners", "all"], default="staff")
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
# Store flash messages in the session: a message in a cookie is readable in the browser.
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

# ---- Response headers and limits ------------------------------------------------------------------------

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
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if served_over_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = served_over_https
# The proxy that ends TLS redirects HTTP to HTTPS (SECURE_SSL_REDIRECT). A redirect from here would hide from a client
# that it has just sent its secret in the clear.
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

MAILERS = {"default": service_urls.mailer("EMAIL_URL", default="consolemail://")}
# An IP address is no domain of a mail address. A portal under one is for trying out: its mail goes nowhere.
sender_domain = "localhost" if env.is_ip_address(issuer_host) else issuer_host
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", named=True) or env.sender(
    PORTAL_NAME, f"noreply@{sender_domain}"
)

LANGUAGE_CODE = "nl"
TIME_ZONE = "Europe/Amsterdam"
PHONENUMBER_DEFAULT_REGION = "NL"

LOGGING_CONFIG = "portal.logs.configure"
LOG_LEVEL = env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], default="INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ["console", "json"], default="console")
LOGGING = logs.settings(level=LOG_LEVEL, format=LOG_FORMAT)
# A server counts use in memory and writes the counts every minute. Tests write them explicitly.
WRITES_USAGE = True
# Bearer token for GET /metrics, which does not exist without it.
METRICS_TOKEN = env.token("METRICS_TOKEN")

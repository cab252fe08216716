"""Django's settings, read from the environment. Every variable is named here or in `portal.environment`."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import egress, environment, file_storage, keys, openid_groups, watching

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.data_dir(BASE_DIR / "var")

# The portal's public address. A PUBLIC_URL of https makes this a production portal: keys must be set, cookies are sent
# over https only.

READ_ONLY: bool = environment.env.bool("READ_ONLY", default=False)
DEBUG: bool = environment.env.bool("DEBUG", default=False)
PUBLIC_URL = environment.public_url()
# What links begin with where there is no PUBLIC_URL. Providers get no address for webhooks then.
LISTENING_URL = environment.listening_url(DATA_DIR)
# Below which the portal is reached, "" for the whole host. It is in all links, in cookies, and stripped by portal.wsgi.
BASE_PATH = urlsplit(PUBLIC_URL).path
FORCE_SCRIPT_NAME = BASE_PATH or None
SECURE = PUBLIC_URL.startswith("https://")
PUBLIC_HOST = urlsplit(PUBLIC_URL).netloc.rpartition("@")[2].removesuffix(f":{urlsplit(PUBLIC_URL).port}")
ALLOWED_HOSTS = list(
    environment.get_list("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]", *([PUBLIC_HOST] if PUBLIC_HOST else [])))
)
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))] if PUBLIC_URL else []

# Keys.

SECRET_KEY = environment.secret_key(DATA_DIR, SECURE)
CREDENTIAL_KEYS = keys.split_keys(environment.get_text("CREDENTIAL_KEYS"))
if SECURE and not CREDENTIAL_KEYS:
    raise ImproperlyConfigured(
        "With a PUBLIC_URL of https, CREDENTIAL_KEYS must be given: set it to the keys that seal credentials, "
        "separated by commas, newest first, and keep them; without them no credential can be opened."
    )
# The encryption keys' file when the environment sets none; it is created when the first secret is encrypted.
CREDENTIAL_KEYS_FILE: Path | None = None if CREDENTIAL_KEYS else DATA_DIR / "credential_keys"
if CREDENTIAL_KEYS_FILE:
    CREDENTIAL_KEYS = keys.read_keys(CREDENTIAL_KEYS_FILE)

# The portal's own limits.

EXTRA_CA_FILE, EGRESS_PROXY = egress.extra_ca_file(), egress.egress_proxy()
PRIVATE_HOSTS = tuple(host.lower() for host in environment.get_list("PRIVATE_HOSTS"))
# Of the worker that `up` starts. Embedded, it is one process with threads; with real services it is Celery's prefork
# pool, where time limits act and the throughput is not bound by one interpreter.
WORKER_POOL, WORKER_CONCURRENCY = environment.worker_pool()
MAIL_ATTACHMENT_BYTES = environment.get_int("MAIL_ATTACHMENT_BYTES", 10_000_000)
HISTORY_DAYS_OF_CALLS = environment.get_int("HISTORY_DAYS_OF_CALLS", 90, least=1)
# The proxy's internal location below which it serves kept files, "" where the web process sends them.
X_ACCEL_LOCATION = environment.x_accel_location()
MAX_FILE_BYTES = environment.get_int("MAX_FILE_BYTES", 100 * 2**30, least=1)
# The bucket for new files, "" for the disk. It holds no secret: keys are read from the environment where they are used.
STORAGE_URL = file_storage.storage_url()

# How an operator runs a command of the portal here; in the texts that say which one to run.
PORTAL_COMMAND = environment.get_text("PORTAL_COMMAND", "python manage.py")

# Who watches it.

METRICS_TOKEN = environment.get_text("METRICS_TOKEN")
DEAD_MAN_URL = watching.dead_man_url()
OPERATORS = watching.operators()

# Django.

INSTALLED_APPS = [
    "exports.apps.ExportsConfig",
    "exports.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "exports.web.middleware.SecurityHeadersMiddleware",
    "exports.web.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "exports.web.middleware.ProbesMiddleware",
    "exports.web.middleware.RequestLimitsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "exports.web.request_context.SessionActivityMiddleware",
    "exports.web.language.LanguageMiddleware",
    "exports.web.read_only.ReadOnlyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "exports.web.own_navigation.own_navigation",
            ],
            # In every template without {% load %}.
            "builtins": [f"exports.templatetags.{name}" for name in ("pages", "times", "elements", "charts")],
        },
    },
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DATABASES = {"default": environment.database(DATA_DIR)}
# Error pages and reports show neither form values nor the values of variables.
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.reports.RedactingReporterFilter"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# In the database, since all processes count failed sign-ins together.
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "portal.cache.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

AUTH_USER_MODEL = "exports.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "web:start"
LOGOUT_REDIRECT_URL = LOGIN_URL
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# allauth signs people in; `exports.web.account` adapts it, docs/decisions/0008 gives the reasons.

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "exports.web.account.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# The user row says whether its address is confirmed; allauth's own list of addresses stays empty.
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ALLOW_UNVERIFIED_EMAIL = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "login": "exports.web.account.forms.SignInForm",
    "change_password": "exports.web.account.forms.ChangePasswordForm",
    "reset_password": "exports.web.account.forms.RequestPasswordResetForm",
    "reset_password_from_key": "exports.web.account.forms.SetPasswordForm",
    "reauthenticate": "exports.web.account.forms.ReauthenticateForm",
}
MFA_ADAPTER = "exports.web.account.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "exports.web.account.forms.SecondFactorForm",
    "reauthenticate": "exports.web.account.forms.ReauthenticateCodeForm",
    "activate_totp": "exports.web.account.forms.ActivateAppForm",
    "add_webauthn": "exports.web.account.forms.AddPasskeyForm",
    "edit_webauthn": "exports.web.account.forms.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Export portal"
OPENID = environment.openid_provider()
OIDC_GROUPS, OIDC_GROUPS_CLAIM = openid_groups.mapping(), environment.get_text("OIDC_GROUPS_CLAIM", "groups")
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [OPENID] if OPENID else []}}
SOCIALACCOUNT_ADAPTER = "exports.web.account.openid.OpenIDAdapter"
# By a link: the pages' content security policy forbids a form that is redirected to another host.
SOCIALACCOUNT_LOGIN_ON_GET = True
if SECURE:
    ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = f"{BASE_PATH}/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static.ManifestStorageWithFallback"},
}
# Django would make collected files readable for everybody.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# Files that were not collected are served from where they are installed, under their plain names.
WHITENOISE_USE_FINDERS = True
# Pages of other origins need none of the static files.
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Mail.

DEFAULT_FROM_EMAIL = environment.get_text("DEFAULT_FROM_EMAIL", "Export Portal <portal@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
globals().update(environment.mail_settings())

# Sessions and transport security.

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{BASE_PATH}/"
# A browser accepts a __Host- cookie only over https and only from this very host, so no sibling host can set one. It is
# for the whole host, which is not the portal's where there is a base path.
COOKIE_PREFIX = ("__Secure-" if BASE_PATH else "__Host-") if SECURE else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}session", f"{COOKIE_PREFIX}csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "exports.web.error_pages.form_expired"
X_FRAME_OPTIONS = "DENY"
# There are no uploads; the longest form field is a release note.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Gunicorn speaks plain http, so with https a proxy in front terminates TLS. The header in which it says so (usually
# X-Forwarded-Proto) must be named explicitly, because a client could send it too: only name one that the proxy always
# sets itself. A redirect to https needs it; without it the redirect would loop.
PROXY_SSL_HEADER = environment.get_text("PROXY_SSL_HEADER")
if PROXY_SSL_HEADER:
    SECURE_PROXY_SSL_HEADER = ("HTTP_" + PROXY_SSL_HEADER.upper().replace("-", "_"), "https")
# The header in which it says where a request came from (usually X-Forwarded-For), by the same rule. Without it, all
# clients behind the proxy count as one address, in request limits and in the activity log.
PROXY_ADDRESS_HEADER = environment.get_text("PROXY_ADDRESS_HEADER")
SECURE_SSL_REDIRECT: bool = environment.env.bool("SSL_REDIRECT", default=SECURE and bool(PROXY_SSL_HEADER))
# Monitors and load balancers ask from behind the proxy.
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{BASE_PATH}/'.lstrip('/'))}(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SILENCED_SYSTEM_CHECKS = [
    # HSTS for subdomains and for the browsers' preload list is the decision of the domain's owner, not of one host.
    "security.W005",
    "security.W021",
]
if not SECURE_SSL_REDIRECT:
    # The proxy redirects to https, see above.
    SILENCED_SYSTEM_CHECKS += ["security.W008"]

# Celery. The database is the queue of record: a message names exports that the dispatcher has claimed for it, and its
# task does nothing when that claim has ended. So messages are acknowledged early (Celery's default; a lease in the
# database does the recovery), and results are not stored.

CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = environment.broker(DATA_DIR)
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker outlives any outage of its broker.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Queues and exchanges of the portal's own name, so that other applications on the same broker are left alone, and their
# remote control does not reach the portal's workers. exports.queue.capacity says what each queue is for.
TASK_QUEUE_PREFIX = "portal"
CELERY_TASK_QUEUES = environment.task_queues(TASK_QUEUE_PREFIX)
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_ROUTING_KEY = f"{TASK_QUEUE_PREFIX}.control"
CELERY_TASK_DEFAULT_EXCHANGE = CELERY_CONTROL_EXCHANGE = TASK_QUEUE_PREFIX
CELERY_EVENT_EXCHANGE = f"{TASK_QUEUE_PREFIX}.events"
CELERY_WORKER_CONSUMER = "portal.worker:Consumer"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A node takes a message only when it has a free slot, so that none waits behind a long download. Only Celery's Redis
# transport supports it.
CELERY_WORKER_DISABLE_PREFETCH = environment.is_redis(CELERY_BROKER_URL)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = True
# It cancels only tasks that are acknowledged late, and there are none; without it Celery warns at each lost connection.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Without it Celery closes the database connection after each task. `exports.tasks` closes old and broken ones.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_TIMEZONE = TIME_ZONE
# The entries are fixed, so beat keeps its schedule in memory: no schedule file can become unreadable.
CELERY_BEAT_SCHEDULER = "portal.beat:Scheduler"
# What a person asks for is dispatched at once, by a hint after the commit. Embedded, where the whole portal is to cost
# next to nothing while it is idle, other things may wait for half a second.
DISPATCH_SECONDS = 0.5 if CELERY_BROKER_URL.startswith("spool:") else 0.25
_HOUSEKEEPING = ("sweep", "nightly", "verify_files", "watch_freshness", "discover")
_EACH_MINUTE = {"schedule": 60.0, "options": {"queue": f"{TASK_QUEUE_PREFIX}.control", "expires": 60.0}}
CELERY_BEAT_SCHEDULE = {
    **{name: {"task": f"exports.{name}", **_EACH_MINUTE} for name in _HOUSEKEEPING},
    "dispatch": {"task": "exports.dispatch", "schedule": DISPATCH_SECONDS},
    # A planned time is used at most this much later, and a new file compared with those before it. One query each where
    # there is nothing to do.
    "run_schedules": {"task": "exports.run_schedules", "schedule": 5.0},
    "examine": {"task": "exports.examine", "schedule": 10.0},
}

# One line per event, on standard error.

LOG_FORMAT = environment.get_choice("LOG_FORMAT", ("plain", "json"))
LOG_LEVEL = environment.get_choice("LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "brief": {"()": "portal.logs.BeatErrorFilter"},
        "masked": {"()": "portal.logs.SecretUrlFilter"},
        "ids": {"()": "exports.log_ids.IdsFilter"},
    },
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "portal.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["masked", "ids"],
            # Loggers with a level of their own would let lower levels pass.
            "level": LOG_LEVEL,
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Django's default handlers print only in DEBUG.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # At INFO, Celery logs each message received and each task ended.
        "celery": {"level": "WARNING"},
        "celery.beat": {"filters": ["brief"]},
        "kombu": {"level": "WARNING"},
        # At DEBUG, it logs the addresses of files, which are secret.
        "urllib3": {"level": "INFO"},
        # Below WARNING, it logs the ids of passkeys.
        "fido2": {"level": "WARNING"},
    },
}

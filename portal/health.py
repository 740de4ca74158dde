"""Health endpoints: /healthz and /readyz."""

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Report that the process is alive, without checking its dependencies."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Report whether requests can be served: database reachable, migrations applied, keys present."""
    from django.db.migrations.executor import MigrationExecutor  # slow to import, and not needed to start

    try:
        executor = MigrationExecutor(connection)
        pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        checks = {"database": "ok", "migrations": "pending" if pending else "ok"}
    except (OperationalError, InterfaceError):
        checks = {"database": "unavailable", "migrations": "unknown"}
    checks["keys"] = "ok" if settings.TOKEN_SIGNING_KEYS and settings.SECRET_HASH_KEYS else "missing"
    ready = set(checks.values()) == {"ok"}
    return JsonResponse({"status": "ok" if ready else "not ready", **checks}, status=200 if ready else 503)

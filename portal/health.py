"""Whether the portal lives, and whether it can serve."""

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process is alive, and nothing about what it depends on."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether requests can be served: the database answers and has every migration, and keys are there."""
    from django.db.migrations.executor import MigrationExecutor  # with all there is to migrating; not at the start

    try:
        executor = MigrationExecutor(connection)
        pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        checks = {"database": "ok", "migrations": "pending" if pending else "ok"}
    except (OperationalError, InterfaceError):
        checks = {"database": "unavailable", "migrations": "unknown"}
    checks["keys"] = "ok" if settings.TOKEN_SIGNING_KEYS and settings.SECRET_HASH_KEYS else "missing"
    ready = set(checks.values()) == {"ok"}
    return JsonResponse({"status": "ok" if ready else "not ready", **checks}, status=200 if ready else 503)

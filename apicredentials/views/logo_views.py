"""Logos of third parties, served to everyone."""

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apicredentials.models import ThirdPartyLogo


@require_safe
@login_not_required
def logo(request: HttpRequest, client_id: UUID, digest: str) -> HttpResponse:
    """Serve a logo. Cached by browsers only: a shared cache could store a session cookie that came with it."""
    found = get_object_or_404(ThirdPartyLogo, third_party__client_id=client_id, digest=digest)
    response = HttpResponse(bytes(found.content), content_type="image/png")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response

"""The logos of third parties, which belong to nobody who is signed in."""

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apicredentials.models import ThirdPartyLogo

# Our cleaning leaves nothing that this would stop; it stands here for the day that it does.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
@login_not_required
def logo(request: HttpRequest, client_id: UUID, digest: str) -> HttpResponse:
    """Show a logo: as a picture in a page, and just as harmless as a page of its own.

    Kept by browsers only: the answer may refresh the session's cookie, which must not end up in a shared cache.
    """
    found = get_object_or_404(ThirdPartyLogo, third_party__client_id=client_id, digest=digest)
    response = HttpResponse(bytes(found.content), content_type=found.media_type)
    response["Content-Security-Policy"] = POLICY
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response

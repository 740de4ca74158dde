"""The stock project's endpoints, and the floor: the minimum work of a Django view with a database."""

from random import randrange

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider import views
from oauth2_provider.decorators import protected_resource

SELECT = "SELECT username FROM auth_user WHERE id = %s"
TOUCH = "UPDATE auth_user SET first_name = %s WHERE id = %s"


@protected_resource(scopes=["read"])
def protected(request: HttpRequest) -> HttpResponse:
    """Respond to any request with a valid token."""
    return JsonResponse({"retailerId": "1"})


@csrf_exempt
def floor(request: HttpRequest) -> HttpResponse:
    """Read one row and return a constant."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [1])
        cursor.fetchone()
    return JsonResponse({"access_token": "constant", "token_type": "Bearer", "expires_in": 299})


@csrf_exempt
def floor_with_writes(request: HttpRequest) -> HttpResponse:
    """Read one row, write two in a transaction, and return a constant. Rows differ, so there is no lock contention."""
    row = 2 + 2 * randrange(5000)  # noqa: S311
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SELECT, [1])
        cursor.fetchone()
        cursor.execute(TOUCH, ["x", row])
        cursor.execute(TOUCH, ["x", row + 1])
    return JsonResponse({"access_token": "constant", "token_type": "Bearer", "expires_in": 599})


urlpatterns = [
    path("token", views.TokenView.as_view()),
    path("revoke", views.RevokeTokenView.as_view()),
    path("protected", protected),
    path("floor", floor),
    path("floor-with-writes", floor_with_writes),
    path("o/", include("oauth2_provider.urls")),
]

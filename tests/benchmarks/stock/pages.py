"""django-oauth-toolkit's own list of fifty applications; see tests.benchmarks.browsing."""

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

from tests.benchmarks.browsing import Browser, Opened  # noqa: E402


def main() -> None:
    """Create the applications and open the list."""
    call_command("migrate", verbosity=0)
    user = User.objects.create(username="user")
    Application.objects.bulk_create(
        Application(
            user=user, name=f"Application {number:04}", client_id=f"client-{number}", client_secret="x",
            client_type="confidential", authorization_grant_type="client-credentials",
        )
        for number in range(50)
    )  # fmt: skip
    Browser({"list": Opened("/o/applications/", user, 50, "<li><a href=")}).obey()


main()

"""What a person's password must be."""

from django.contrib.auth import password_validation


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's, which speaks no Dutch in 6.1."""

    def get_error_message(self) -> str:
        """Say how long it must be."""
        return f"Dit wachtwoord is te kort. Gebruik minstens {self.min_length} tekens."

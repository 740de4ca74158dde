"""Forms for signing in and for a new password, on top of django-allauth's."""

from typing import Any

from allauth.account import forms as account
from django import forms

from accounts.email_addresses import account_address
from accounts.models import normalize_password


class AccountAddressField(forms.EmailField):
    """The address of an existing account; cleans to the spelling under which it is stored."""

    def __init__(self) -> None:
        messages = {
            "required": "Vul je e-mailadres in.",
            "invalid": "Vul een geldig e-mailadres in, zoals naam@jouwbedrijf.nl.",
        }
        widget = forms.EmailInput(attrs={"autocomplete": "username"})
        super().__init__(label="E-mailadres", widget=widget, error_messages=messages)

    def clean(self, value: Any) -> str:
        address: str = super().clean(account_address(value or ""))
        return address


class SignInForm(account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AccountAddressField()


class PasswordResetForm(account.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = AccountAddressField()


class NewPasswordForm(account.PasswordVerificationMixin):
    """Compares the two new passwords by what they look like; the adapter has normalized the first one."""

    cleaned_data: dict[str, Any]

    def clean(self) -> dict[str, Any]:
        if repeated := self.cleaned_data.get("password2"):
            self.cleaned_data["password2"] = normalize_password(repeated)
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class PasswordChangeForm(NewPasswordForm, account.ChangePasswordForm):
    pass


class PasswordResetKeyForm(NewPasswordForm, account.ResetPasswordKeyForm):
    pass

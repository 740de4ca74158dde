"""Forms for signing in, proof of identity, a new password, second factors and the user's own data."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.fields import PasswordField
from allauth.core import context
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.email_addresses import NewAccountAddressField, account_address
from accounts.models import User, normalize_password
from accounts.security.events import mail_own
from accounts.security.factors import FactorAdapter, matching_counter, use_code
from apicredentials.models import OutgoingMail
from apicredentials.names import clean_name

if TYPE_CHECKING:
    from accounts.security.adapter import AccountAdapter

WRONG_CODE = ValidationError(
    "Deze code klopt niet of is al gebruikt. Wacht op de volgende code en probeer het opnieuw.", code="incorrect_code"
)

WRONG_RECOVERY_CODE = ValidationError(
    "Deze herstelcode klopt niet of is al gebruikt. Controleer wat je hebt getypt, of gebruik een andere.",
    code="incorrect_code",
)


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


class PasswordsForm(forms.Form):
    """Says what to do about a missing password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PasswordField):
                field.error_messages["required"] = "Vul het wachtwoord in."


class SignInForm(PasswordsForm, account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AccountAddressField()


class PasswordResetForm(account.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = AccountAddressField()

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.users = list(User.objects.filter(email=email, is_active=True))
        return email


class ReauthenticateForm(PasswordsForm, account.ReauthenticateForm):
    pass


class NewPasswordForm(account.PasswordVerificationMixin, PasswordsForm):
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


# ---- Codes and passkeys -------------------------------------------------------------------------------------


class CodeField(forms.CharField):
    """A code of six digits, or a recovery code."""

    def __init__(self, label: str = "Code uit je authenticator-app") -> None:
        attributes = {"autocomplete": "one-time-code", "inputmode": "numeric"}
        super().__init__(
            label=label,
            help_text="Zes cijfers. Elke 30 seconden is er een nieuwe.",
            max_length=20,
            widget=forms.TextInput(attrs=attributes),
            error_messages={"required": "Vul de code in.", "max_length": "Deze code is te lang."},
        )


class CodeForm(forms.Form):
    """The second step of a sign-in."""

    code = CodeField()
    reauthenticated = False

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        """Use the code up, and mail the user about a recovery code. Attempts count in the throttle of passwords."""
        request, adapter = context.request, cast("AccountAdapter", get_adapter())
        adapter.count_code(request, self.user)
        with transaction.atomic():
            authenticator = use_code(self.user, self.cleaned_data["code"])
            if authenticator and authenticator.type == Authenticator.Type.RECOVERY_CODES:
                left = str(len(authenticator.data["hashes"]))
                mail_own(OutgoingMail.Kind.OWN_RECOVERY_CODE, self.user, request, left=left)
        if authenticator is None:
            adapter.authentication_failed(request)
            raise WRONG_RECOVERY_CODE if "recovery" in self.data else WRONG_CODE
        adapter.forget_code(request, self.user)
        self.authenticator = authenticator
        return str(self.cleaned_data["code"])

    def save(self) -> None:
        """Record the proof in the session."""
        post_authentication(context.request, self.authenticator, reauthenticated=self.reauthenticated)


class CodeProofForm(CodeForm):
    """A code as proof of identity."""

    reauthenticated = True


class TotpSetupForm(forms.Form):
    """The first code of a new authenticator app. The secret travels in the form, encrypted."""

    code = CodeField("Code")
    sealed_secret = forms.CharField(widget=forms.HiddenInput)

    def clean_sealed_secret(self) -> str:
        try:
            self.secret = FactorAdapter().decrypt(self.cleaned_data["sealed_secret"])
        except ValueError as error:
            raise ValidationError("Dit formulier is verlopen. Begin opnieuw.", code="expired") from error
        return str(self.cleaned_data["sealed_secret"])

    def clean(self) -> dict[str, Any]:
        code = self.cleaned_data.get("code")
        if code and hasattr(self, "secret") and matching_counter(self.secret, code) is None:
            self.add_error("code", WRONG_CODE)
        return self.cleaned_data


def guarded[T](check: Callable[[], T]) -> T:
    """Call allauth's check of an answer; refuse malformed ones, on which fido2 raises all kinds of errors."""
    try:
        return check()
    except ValidationError:
        raise
    except Exception as error:
        raise FactorAdapter().validation_error("incorrect_code") from error


class NameField(forms.CharField):
    def __init__(self, help_text: str = "Bijvoorbeeld het apparaat waarop de passkey staat.", **kwargs: Any) -> None:
        messages = {"required": "Vul een naam in."}
        super().__init__(label="Naam", help_text=help_text, error_messages=messages, **kwargs)

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        return clean_name(name) if name else ""


class PasskeyForm(webauthn.AddWebAuthnForm):
    """A new passkey: discoverable and user-verified, so that it can sign in without a password."""

    name = NameField(required=False)
    passwordless = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_passwordless(self) -> bool:
        return True

    def clean(self) -> dict[str, Any]:
        return guarded(super().clean)


class PasskeyStepForm(webauthn.AuthenticateWebAuthnForm):
    """A passkey as second step."""

    def clean_credential(self) -> Authenticator:
        return guarded(super().clean_credential)


class PasskeySignInForm(PasskeyStepForm, webauthn.LoginWebAuthnForm):
    pass


class PasskeyProofForm(PasskeyStepForm, webauthn.ReauthenticateWebAuthnForm):
    pass


class PasskeyRenameForm(forms.Form):
    name = NameField()


# ---- Mijn gegevens ------------------------------------------------------------------------------------------


class ProfileForm(forms.Form):
    """The user's name and address."""

    name = NameField(
        "Zo zien je collega's je in Activiteit en bij Medewerkers.", widget=forms.TextInput({"autocomplete": "name"})
    )
    email = NewAccountAddressField(
        "Een nieuw adres geldt pas als je het met een link hebt bevestigd.", autocomplete="email"
    )

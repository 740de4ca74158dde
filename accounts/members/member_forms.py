"""Forms of the page Medewerkers, and of accepting an invitation."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.fields import PasswordField, SetPasswordField
from django import forms
from django.core.exceptions import ValidationError

from accounts.email_addresses import NewAccountAddressField
from accounts.models import ROLE_DESCRIPTIONS, Membership, User, normalize_password
from accounts.security.security_forms import PasswordsForm
from apicredentials.names import clean_name


class RoleField(forms.ChoiceField):
    """One of the roles; the template shows what each allows."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {"required": "Kies een rol.", "invalid_choice": "Kies een van de rollen."}
        super().__init__(
            label="Rol",
            choices=Membership.Role.choices,
            widget=forms.RadioSelect(),
            error_messages=messages,
            **kwargs,
        )

    @property
    def described(self) -> list[tuple[str, str, str]]:
        """The roles as (value, label, description)."""
        return [(role.value, str(role.label), text) for role, text in ROLE_DESCRIPTIONS.items()]


class RoleForm(forms.Form):
    role = RoleField()


class InvitationForm(forms.Form):
    email = NewAccountAddressField("We mailen een link die 7 dagen werkt.", autocomplete="off")
    role = RoleField(initial=Membership.Role.TECHNICAL)


class RemoveForm(forms.Form):
    """The choice for the parties that the member gave consent to; asked only if there are any."""

    parties = forms.ChoiceField(
        label="Wat gebeurt er met deze partijen?",
        choices=[("take_over", "Ik neem ze over"), ("stop", "Stoppen")],
        initial="take_over",
        widget=forms.RadioSelect(),
        error_messages={"required": "Kies wat er met de partijen gebeurt.", "invalid_choice": "Kies een van beide."},
    )

    def __init__(self, *args: Any, parties: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not parties:
            del self.fields["parties"]

    @property
    def take_over(self) -> bool:
        return self.cleaned_data.get("parties") == "take_over"


class NewMemberForm(PasswordsForm):
    """Name and password of somebody without an account who accepts an invitation."""

    name = forms.CharField(
        label="Naam", error_messages={"required": "Vul je naam in."}, widget=forms.TextInput({"autocomplete": "name"})
    )
    password1 = SetPasswordField(label="Wachtwoord")
    password2 = PasswordField(label="Wachtwoord (nog een keer)", autocomplete="new-password")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = User(email=email)
        # The password is compared with the address and with the name, which is cleaned before it.
        self.fields["password1"].user = self.user  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        self.user.name = clean_name(self.cleaned_data["name"])
        return self.user.name

    def clean(self) -> dict[str, Any]:
        first, second = self.cleaned_data.get("password1"), self.cleaned_data.get("password2")
        if first and second and first != normalize_password(second):
            self.add_error("password2", ValidationError("Vul twee keer hetzelfde wachtwoord in.", code="mismatch"))
        return self.cleaned_data

    def save(self) -> User:
        """Store the account. Call it inside the transaction that accepts the invitation."""
        get_adapter().set_password(self.user, self.cleaned_data["password1"])
        return self.user

"""Forms that sellers fill in."""

import datetime as dt
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, Protocol, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.models import Actor, Seller
from apicredentials import names, scopes
from apicredentials.exceptions import NameTaken, Refusal
from apicredentials.models import Activity, ClientCredential, TechnicalContact, ThirdPartyAuthorization
from apicredentials.models.activity import ActivityQuerySet
from apicredentials.models.client_secrets import OVERLAPS
from apicredentials.models.clients import OAuthClient
from apicredentials.moments import start_of
from apicredentials.widgets import Options, RightsChoice


class NameField(forms.CharField):
    """A name of 1 to 100 visible characters; length is counted after trimming, in characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Naam", strip=False, error_messages={"required": "Vul een naam in."}, **kwargs)

    def clean(self, value: Any) -> str:
        return names.clean_name(super().clean(value))


class RightsField(forms.Field):
    """One choice per resource. Cleans to the closed set of the scopes chosen."""

    default_error_messages = {  # noqa: RUF012
        "required": "Kies ten minste één recht.",
        "invalid_choice": "Dit recht kun je hier niet kiezen.",
    }

    def __init__(self, *, among: Iterable[str], present: list[str] | None = None, required: bool = True) -> None:
        self.among = scopes.close(among)
        super().__init__(
            label="Rechten",
            required=required,
            initial=self.among if present is None else [scope for scope in self.among if scope in present],
            widget=RightsChoice(among=self.among, present=present),
            template_name="forms/rights_field.html",
        )

    def validate(self, value: Any) -> None:
        super().validate(value)
        if not set(value) <= set(self.among):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")

    def clean(self, value: Any) -> list[str]:
        return scopes.close(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return scopes.close(initial or []) != scopes.close(data or [])


class ShownForField(forms.CharField):
    """The seller that a page was rendered for. Its user may have switched to another seller in another tab."""

    def __init__(self, seller: Seller) -> None:
        super().__init__(required=False, initial=seller.retailer_id, widget=forms.HiddenInput)
        self.seller = seller

    def clean(self, value: Any) -> str:
        retailer_id: str = super().clean(value)
        if retailer_id and retailer_id != self.seller.retailer_id:
            raise ValidationError(
                f"Deze pagina hoort bij een ander verkopersaccount. Je werkt nu voor {self.seller.display_name}: "
                "kies eerst weer het juiste account, of open API Instellingen opnieuw.",
                code="other_seller",
            )
        return retailer_id


class TechnicalContactForm(forms.ModelForm):
    """The technical contact of a seller."""

    name = NameField(help_text="Een persoon of een afdeling.")

    class Meta:
        model = TechnicalContact
        fields = ("name", "email", "phone_number")
        labels = {"email": "E-mailadres", "phone_number": "Telefoonnummer"}  # noqa: RUF012
        help_texts = {"email": "We sturen er een link naartoe om het te bevestigen."}  # noqa: RUF012
        error_messages = {  # noqa: RUF012
            "email": {"required": "Vul een e-mailadres in."},
            "phone_number": {"invalid": "Vul een geldig telefoonnummer in, zoals 020 123 45 67 of +32 2 345 67 89."},
        }

    def __init__(self, data: Any = None, *, seller: Seller) -> None:
        self.saved = TechnicalContact.objects.filter(seller=seller).first()
        # A ModelForm changes its instance even when invalid. The page still shows what was saved.
        contact = copy(self.saved) or TechnicalContact(seller=seller)
        # The form in the dialog has a field with this name too.
        super().__init__(data, instance=contact, auto_id="id_contact_%s")
        self.fields["shown_for"] = ShownForField(seller)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["phone_number"].widget.attrs["autocomplete"] = "tel"

    @property
    def changes_address(self) -> bool:
        """Return whether this valid form replaces a saved address by another."""
        return self.saved is not None and self.saved.email != self.cleaned_data["email"]


class ClientCredentialForm(forms.Form):
    """A new credential of a seller: its name and rights."""

    name = NameField(
        help_text="De software die ze gaat gebruiken, of het bedrijf dat ermee werkt. Zo herken je ze later terug."
    )
    scopes = RightsField(among=scopes.ALL)

    def __init__(self, *args: Any, seller: Seller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seller = seller
        self.fields["shown_for"] = ShownForField(seller)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    @property
    def has_fewer_rights(self) -> bool:
        """Return whether the form, as it is filled in, leaves rights out. The page then shows them unfolded."""
        return scopes.close(self["scopes"].value()) != list(scopes.ALL)

    def clean_name(self) -> str:
        """Refuse a name that this seller already uses, ignoring case."""
        name: str = self.cleaned_data["name"]
        if ClientCredential.objects.for_seller(self.seller).filter(folded_name=names.fold(name)).exists():
            raise ValidationError(str(NameTaken()), code=NameTaken.code)
        return name

    def create(self, *, by: Actor) -> ClientCredential | None:
        """Save the credential. Return None when that is refused; the form then has the error."""
        credential = ClientCredential(
            seller=self.seller, name=self.cleaned_data["name"], scope=scopes.join(self.cleaned_data["scopes"])
        )
        try:
            credential.create(by=by)
        except Refusal as error:
            self.add_error(None, ValidationError(str(error), code=error.code))
            return None
        return credential


class RenameForm(forms.Form):
    """A new name for a credential."""

    name = NameField()

    def __init__(self, data: Any = None, *, credential: ClientCredential) -> None:
        super().__init__(data, initial={"name": credential.name})
        self.credential = credential

    def act(self, *, by: Actor) -> str:
        """Rename it."""
        former, name = self.credential.name, self.cleaned_data["name"]
        self.credential.rename(name, by=by)
        return f"'{former}' heet nu '{name}'." if former != name else "De naam is niet veranderd."


class RightsForm(forms.Form):
    """Other rights for a credential."""

    scopes = RightsField(among=scopes.ALL)

    def __init__(self, data: Any = None, *, credential: ClientCredential) -> None:
        super().__init__(data, initial={"scopes": credential.rights})
        self.credential = credential

    def act(self, *, by: Actor) -> str:
        """Give it these rights."""
        self.credential.change_rights(self.cleaned_data["scopes"], by=by)
        return f"De rechten van '{self.credential.name}' zijn opgeslagen."


class NarrowForm(forms.Form):
    """Fewer rights for a third party. More rights need a new consent."""

    def __init__(self, data: Any = None, *, authorization: ThirdPartyAuthorization) -> None:
        super().__init__(data)
        self.fields["scopes"] = RightsField(among=authorization.rights)


class OverlapForm(forms.Form):
    """The moment at which an old secret ends."""

    overlap = forms.ChoiceField(
        label="Het oude secret eindigt",
        choices=[(key, label) for key, (label, _) in OVERLAPS.items()],
        initial="24h",
        widget=Options,
        error_messages={
            "required": "Kies wanneer het oude secret eindigt.",
            "invalid_choice": "Kies een van de momenten.",
        },
    )

    @property
    def delay(self) -> dt.timedelta:
        """The time from now until the end."""
        return OVERLAPS[self.cleaned_data["overlap"]][1]


class RotateForm(OverlapForm):
    """A new secret that replaces the newest one. The page says which that was when it was drawn."""

    replacing = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, credential: OAuthClient) -> None:
        newest = credential.newest_secret
        super().__init__(data, initial={"replacing": newest.pk if newest else None})
        self.credential = credential

    def rotate(self, *, by: Actor) -> str:
        """Create the new secret and return it."""
        replacing = self.cleaned_data["replacing"]
        return self.credential.rotate(overlap=self.delay, by=by, replacing=replacing)


class ConsentForm(forms.Form):
    """The rights that a seller gives a third party, or the refusal to give any.

    `among` are the scopes asked for; `present` those of the consent that this one would replace, if there is one.
    """

    allow = forms.ChoiceField(choices=[("yes", "Toestaan"), ("no", "Weigeren")])

    def __init__(self, *args: Any, among: Iterable[str], present: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"] = RightsField(among=among, present=present, required=self.data.get("allow") != "no")

    @property
    def is_allowed(self) -> bool:
        """Return whether the seller chose Toestaan."""
        return bool(self.cleaned_data["allow"] == "yes")


class DayField(forms.DateField):
    """A day, chosen in the browser's calendar or typed. Years outside 2000 to 2099 are refused as mistakes."""

    def __init__(self, label: str) -> None:
        unlikely = "Kies een dag in de jaren 2000 tot en met 2099."
        super().__init__(
            label=label,
            required=False,
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            validators=[
                MinValueValidator(dt.date(2000, 1, 1), unlikely),
                MaxValueValidator(dt.date(2099, 12, 31), unlikely),
            ],
            error_messages={"invalid": "Vul een dag in, zoals 31-12-2026."},
        )


class ActivityFilterForm(forms.Form):
    """A filter on the log. An empty field filters nothing."""

    kind = forms.ChoiceField(
        label="Wat",
        required=False,
        choices=[
            ("", "Alles"),
            *[
                (group.value, [(group.value, f"{group}: alles"), *[(kind, kind.label) for kind in kinds]])
                for group, kinds in Activity.Kind.grouped().items()
            ],
        ],
        error_messages={"invalid_choice": "Kies een van de soorten."},
    )
    subject = forms.CharField(label="Waarover", required=False, max_length=200)
    since = DayField("Van")
    until = DayField("Tot en met")

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it starts."""
        values = self.cleaned_data
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            message = "Deze dag ligt vóór de dag bij Van. Kies een latere dag."
            self.add_error("until", ValidationError(message, code="before_since"))
        return values

    def rows(self, activities: ActivityQuerySet) -> ActivityQuerySet:
        """Return the rows of `activities` that match; none when the filter is invalid."""
        if not self.is_valid():
            return activities.none()
        chosen = self.cleaned_data
        if chosen["kind"]:
            activities = activities.about(chosen["kind"])
        if chosen["subject"]:
            activities = activities.filter(subject__icontains=chosen["subject"])
        if chosen["since"]:
            activities = activities.filter(at__gte=start_of(chosen["since"]))
        if chosen["until"]:
            activities = activities.filter(at__lt=start_of(chosen["until"] + dt.timedelta(days=1)))
        return activities


class Searched(Protocol):
    """The fields of a credential that a search compares."""

    @property
    def folded_name(self) -> str: ...
    @property
    def client_id(self) -> str: ...


class CredentialSearchForm(forms.Form):
    """A part of a name or the start of a Client ID, and a state."""

    ATTENTION = "aandacht"
    STATES = (("", "Alle"), (ATTENTION, "Vraagt aandacht"), *ClientCredential.State.choices)

    q = forms.CharField(label="Zoek op naam of Client ID", required=False, max_length=100)
    staat = forms.ChoiceField(label="Staat", required=False, choices=STATES)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget = forms.TextInput({"type": "search", "autocomplete": "off", "maxlength": 100})

    @property
    def is_used(self) -> bool:
        """Return whether something was asked for."""
        return any(self.data.get(name) for name in self.fields)

    def names(self, facts: Searched) -> bool:
        """Return whether a credential has this text in its name, or its Client ID starts with it; none when invalid."""
        if not self.is_valid():
            return False
        text = self.cleaned_data["q"]
        return names.fold(text) in facts.folded_name or facts.client_id.startswith(text.lower())

    def finds(self, facts: Searched, state: str, needs_attention: bool) -> bool:
        """Return whether a credential in this state was searched for."""
        if not self.names(facts):
            return False
        wanted = self.cleaned_data["staat"]
        return needs_attention if wanted == self.ATTENTION else not wanted or wanted == state

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Put the number of credentials behind each state; leave out those without any, except the chosen one."""
        field = cast("forms.ChoiceField", self.fields["staat"])
        shown = {"", self.ATTENTION, self.data.get("staat"), *counts}
        field.choices = [
            (value, f"{label} ({counts.get(str(value), 0)})") for value, label in self.STATES if value in shown
        ]

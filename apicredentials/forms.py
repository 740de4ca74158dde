"""What sellers fill in."""

import datetime as dt
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials import names, scopes
from apicredentials.exceptions import NameTaken, NotAllowedNow
from apicredentials.models import Activity, ClientCredential, TechnicalContact
from apicredentials.models.activity import ActivityQuerySet
from apicredentials.models.client_secrets import OVERLAPS
from apicredentials.models.clients import ClientQuerySet, OAuthClient
from apicredentials.widgets import Checkboxes, Radios


class NameField(forms.CharField):
    """A name of 1 to 100 visible characters; length is counted after trimming, in characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Naam", strip=False, error_messages={"required": "Vul een naam in."}, **kwargs)

    def clean(self, value: Any) -> str:
        return names.clean_name(super().clean(value))


class RightsField(forms.MultipleChoiceField):
    """A choice among the given scopes, drawn resource by resource; cleans to a closed set."""

    widget = Checkboxes

    def __init__(self, *, among: list[str], **kwargs: Any) -> None:
        messages = {"required": "Kies ten minste één recht.", "invalid_choice": "Dit recht kun je hier niet kiezen."}
        super().__init__(
            **{"label": "Rechten", "choices": scopes.choices(among), "initial": among, "error_messages": messages}
            | kwargs
        )

    def clean(self, value: Any) -> list[str]:
        return scopes.close(super().clean(value))


class ShownForField(forms.CharField):
    """For which seller a page was drawn; in another tab its user may have gone to work for another one."""

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

    name = NameField()

    class Meta:
        model = TechnicalContact
        fields = ("name", "email", "phone_number")
        labels = {"email": "E-mailadres", "phone_number": "Telefoonnummer"}  # noqa: RUF012
        error_messages = {  # noqa: RUF012
            "email": {"required": "Vul een e-mailadres in."},
            "phone_number": {"invalid": "Vul een geldig telefoonnummer in, zoals 020 123 45 67 of +32 2 345 67 89."},
        }

    def __init__(self, data: Any = None, *, seller: Seller) -> None:
        self.saved = TechnicalContact.objects.filter(seller=seller).first()
        # Filling in a form changes its instance, valid or not; the page goes on telling of what was saved.
        contact = copy(self.saved) or TechnicalContact(seller=seller)
        # The page may hold another form with a name: the one in the dialog.
        super().__init__(data, instance=contact, auto_id="id_contact_%s")
        self.fields["shown_for"] = ShownForField(seller)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["phone_number"].widget.attrs["autocomplete"] = "tel"

    @property
    def changes_address(self) -> bool:
        """Whether mail goes to somebody else from now on: there was an address, and this valid form has another."""
        return self.saved is not None and self.saved.email != self.cleaned_data["email"]

    def save_for(self, *, by: Actor) -> None:
        """Save the contact, with its row in the log."""
        self.instance.record(by=by)


class ClientCredentialForm(forms.Form):
    """A new credential of a seller: a name, and what it may do."""

    name = NameField()
    scopes = RightsField(among=list(scopes.ALL))

    def __init__(self, *args: Any, seller: Seller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seller = seller
        self.fields["shown_for"] = ShownForField(seller)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        """Refuse a name that this seller already uses, without regard to case."""
        name: str = self.cleaned_data["name"]
        if ClientCredential.objects.for_seller(self.seller).filter(folded_name=names.fold(name)).exists():
            raise ValidationError(str(NameTaken()), code=NameTaken.code)
        return name

    def create(self, *, by: Actor) -> ClientCredential | None:
        """Save the credential; on None the form says what stood in the way."""
        credential = ClientCredential(
            seller=self.seller, name=self.cleaned_data["name"], scope=scopes.join(self.cleaned_data["scopes"])
        )
        try:
            credential.create(by=by)
        except NotAllowedNow as error:
            self.add_error(None, ValidationError(str(error), code=error.code))
            return None
        return credential


class RenameForm(forms.Form):
    """Another name for a credential."""

    name = NameField()

    def __init__(self, data: Any = None, *, credential: ClientCredential) -> None:
        super().__init__(data, initial={"name": credential.name})
        self.credential = credential

    def act(self, *, by: Actor) -> str:
        """Rename it."""
        former, name = self.credential.name, self.cleaned_data["name"]
        self.credential.rename(name, by=by)
        return f"‘{former}’ heet nu ‘{name}’." if former != name else "De naam is niet veranderd."


class RightsForm(forms.Form):
    """Other rights for a credential."""

    scopes = RightsField(among=list(scopes.ALL))

    def __init__(self, data: Any = None, *, credential: ClientCredential) -> None:
        super().__init__(data, initial={"scopes": credential.rights})
        self.credential = credential

    def act(self, *, by: Actor) -> str:
        """Give it these rights."""
        self.credential.change_rights(self.cleaned_data["scopes"], by=by)
        return f"De rechten van ‘{self.credential.name}’ zijn opgeslagen."


class OverlapForm(forms.Form):
    """When an old secret ends."""

    overlap = forms.ChoiceField(
        label="Het oude secret eindigt",
        choices=[(key, label) for key, (label, _) in OVERLAPS.items()],
        initial="24h",
        widget=Radios,
        error_messages={
            "required": "Kies wanneer het oude secret eindigt.",
            "invalid_choice": "Kies een van de momenten.",
        },
    )

    @property
    def delay(self) -> dt.timedelta:
        """How long from now."""
        return OVERLAPS[self.cleaned_data["overlap"]][1]


class RotateForm(OverlapForm):
    """A new secret in the place of the newest that there was when the page was drawn."""

    replacing = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, credential: OAuthClient) -> None:
        newest = credential.newest_secret
        super().__init__(data, initial={"replacing": newest.pk if newest else None})
        self.credential = credential

    def rotate(self, *, by: Actor) -> str:
        """Make the new secret and return it."""
        replacing = self.cleaned_data["replacing"]
        return self.credential.rotate(overlap=self.delay, by=by, replacing=replacing)


class ConsentForm(forms.Form):
    """What a seller gives a third party; Weigeren needs no rights."""

    allow = forms.ChoiceField(choices=[("yes", "Toestaan"), ("no", "Weigeren")])

    def __init__(self, *args: Any, among: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"] = RightsField(among=among, required=self.data.get("allow") != "no")

    @property
    def is_allowed(self) -> bool:
        """Whether the seller chose Toestaan."""
        return bool(self.cleaned_data["allow"] == "yes")


class DayField(forms.DateField):
    """A day, chosen in the browser's calendar or typed; far-off years are mistakes."""

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
    """Which rows of the log to show; what is left empty excludes nothing."""

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
        """Return those of `activities` that were asked for; none when that cannot be told."""
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


def start_of(day: dt.date) -> dt.datetime:
    """Return midnight, in the portal's time zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


class CredentialSearchForm(forms.Form):
    """A part of a name, or a Client ID."""

    q = forms.CharField(label="Zoek op naam of Client ID", required=False, max_length=100)

    def rows(self, credentials: ClientQuerySet) -> ClientQuerySet:
        """Return those of `credentials` that were asked for; none when that cannot be told."""
        return credentials.matching(self.cleaned_data["q"]) if self.is_valid() else credentials.none()

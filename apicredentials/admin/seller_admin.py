"""Sellers with their members, technical contacts, and the activity log in the admin.

Here and not in `accounts`, which may not import the activity log.
"""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminEmailInputWidget, AdminTextInputWidget
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.access import actor
from accounts.email_addresses import account_address
from accounts.members import memberships
from accounts.models import Membership, Seller, User
from apicredentials.admin.links import links_to
from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin, ReasonForm
from apicredentials.models import (
    Activity,
    ClientCredential,
    CommandRun,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
    sellers,
)

CLOSE = Act(
    "close",
    "Sluiten",
    "Vanaf nu krijgt niemand meer toegang tot de Retailer API namens deze verkoper: client credentials, derde "
    "partijen en tokens die er al zijn, doen niets meer. Na heropenen werkt alles weer zoals het was.",
    sellers.close,
    Q(closed_at=None),
)
REOPEN = Act(
    "reopen",
    "Heropenen",
    "Alles wat bij het sluiten werkte en intussen niet is beëindigd, werkt weer.",
    sellers.reopen,
    Q(closed_at__isnull=False),
)


class UserField(forms.ModelChoiceField):
    """A user, by e-mail address. Django's list with a search needs JavaScript, and one without it would be too long."""

    widget = AdminEmailInputWidget

    def to_python(self, value: Any) -> User | None:
        found: User | None = super().to_python(account_address(value or ""))
        return found


class FirstMemberForm(forms.ModelForm, ReasonForm):
    """A member of a new seller, with the reason."""

    user = UserField(
        User.objects.all(),
        to_field_name="email",
        label="Gebruiker",
        help_text="Het e-mailadres van een gebruiker. Voeg een nieuwe eerst toe bij Gebruikers.",
        error_messages={
            "required": "Vul het e-mailadres van een gebruiker in.",
            "invalid_choice": "Er is geen gebruiker met dit e-mailadres. Voeg die eerst toe bij Gebruikers.",
        },
    )


class NewMembershipForm(FirstMemberForm):
    """A membership that an operator adds, with the reason."""

    seller = forms.ModelChoiceField(
        Seller.objects.all(),
        to_field_name="retailer_id",
        widget=AdminTextInputWidget,
        label="Verkoper",
        help_text="Het nummer van de verkoper.",
        error_messages={
            "required": "Vul het nummer van een verkoper in.",
            "invalid_choice": "Er is geen verkoper met dit nummer.",
        },
    )


class FirstMembersFormSet(BaseInlineFormSet):
    """The members of a new seller."""

    def clean(self) -> None:
        super().clean()
        roles = [form.cleaned_data.get("role") for form in self.forms if form.has_changed()]
        if self.instance.pk is None and Membership.Role.OWNER not in roles:
            raise forms.ValidationError("Kies een eigenaar: een verkoper heeft er minstens één.", code="no_owner")


class MembershipInline(admin.StackedInline):  # TabularInline draws fields without labels
    """The first members of a new seller; later to read only. MembershipAdmin adds and changes members."""

    model = Membership
    form = FirstMemberForm
    formset = FirstMembersFormSet
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Seller | None = None) -> tuple[str, ...]:
        return ("user", "role") if obj else ("user", "role", "reason")

    def get_extra(self, request: HttpRequest, obj: Seller | None = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def has_add_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        return obj is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        return False


@admin.register(Seller)
class SellerAdmin(ActingAdmin):
    """Sellers. They are closed, never deleted, because their log must stay."""

    list_display = ("display_name", "retailer_id", "company_name", "registration_date", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    search_fields = ("display_name", "company_name")
    search_help_text = "Nummer, naam, KvK-nummer, of het e-mailadres van een medewerker of het technisch contact."
    readonly_fields = ("retailer_id", "closed_at", "links")
    actions = (CLOSE.action, REOPEN.action)
    inlines = (MembershipInline,)

    @admin.display(description="hoort bij deze verkoper")
    def links(self, seller: Seller) -> str:
        models = (ClientCredential, ThirdPartyAuthorization, TechnicalContact, Activity, OutgoingMail)
        if not seller.pk:
            return "-"
        members = links_to(User, sellers__id__exact=seller.pk)
        add = format_html(
            '<ul class="links"><li><a href="{}">Medewerker toevoegen</a></li></ul>',
            reverse("admin:accounts_membership_add", query={"seller": seller.retailer_id}),
        )
        return format_html("{}{}{}", links_to(*models, seller__id__exact=seller.pk), members, add)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Log the members of a new seller with their reason, and mail them."""
        formset.save(commit=False)
        for each in formset.extra_forms:
            if each.has_changed():
                memberships.add(each.instance, by=replace(actor(request), reason=each.cleaned_data["reason"]))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look up an address or a number as a whole, with an index; search names otherwise."""
        term = search_term.strip()
        if "@" in term:
            address = account_address(term)
            members = Membership.objects.filter(user__email=address).values("seller")
            contacts = TechnicalContact.objects.filter(email__iexact=address).values("seller")
            return queryset.filter(Q(pk__in=members) | Q(pk__in=contacts)), False
        if term.isdecimal():
            return queryset.filter(Q(retailer_id=term) | Q(kvk_number=term) | Q(display_name__contains=term)), False
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        return False


@admin.register(TechnicalContact)
class TechnicalContactAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "phone_number", "seller", "confirmed_at")
    search_fields = ("name", "email", "seller__display_name", "seller__retailer_id")
    list_select_related = ("seller",)


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "subject", "seller", "actor_name", "reason", "address")
    fields = ("at", "kind", "subject", "details_in_words", "seller", "user", "actor_name", "address", "reason")
    readonly_fields = ("details_in_words",)
    search_fields = ("subject", "seller__retailer_id", "^actor_name")
    list_filter = ("kind",)
    list_select_related = ("seller",)
    date_hierarchy = "at"

    @admin.display(description="bijzonderheden", empty_value="-")
    def details_in_words(self, activity: Activity) -> str | None:
        return activity.full_explanation or None


@admin.register(CommandRun)
class CommandRunAdmin(ReadOnlyAdmin):
    list_display = ("command", "finished_at", "total")

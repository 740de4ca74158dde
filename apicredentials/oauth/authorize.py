"""The authorization endpoint with its consent page."""

import datetime as dt
import json
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.db import models, transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views import View
from django.views.decorators.csp import csp_override
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.oauth2.rfc6749 import errors

from accounts.access import SellerRequest, actor, ask_for_proof, filled_in, is_recently_proven, keep_form_for_proof
from apicredentials import scopes
from apicredentials.forms import ConsentForm
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Grant, ThirdParty, ThirdPartyAuthorization
from apicredentials.models.tokens import new_code
from apicredentials.moments import one_year_after

# Chromium applies form-action to every redirect after the form, so it must allow the redirect URI and wherever the
# party's callback redirects to. Schemes, because an IPv6 literal is no valid source.
CONSENT_POLICY: dict[str, Any] = settings.SECURE_CSP | {"form-action": [CSP.SELF, "https:", "http:"]}


@method_decorator(login_not_required, name="dispatch")
class AuthorizeView(OAuthLibMixin, View):
    """The authorization endpoint and its consent page (RFC 6749 §3.1, RFC 9700 §4).

    The request is validated before anybody is asked to sign in. Its parameters stay in the URL. The form carries
    only a signature over them, the user, the seller and the session, so that exactly what was shown is allowed.
    """

    http_method_names = ["get", "post"]  # noqa: RUF012
    request: SellerRequest

    SIGNATURE_SALT = "apicredentials.consent"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Validate the request, then the person; only then show or change anything."""
        if request.method.lower() not in self.http_method_names:
            return self.http_method_not_allowed(request)
        try:
            self.scopes, self.credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self.refuse(error.oauthlib_error)
        except errors.FatalClientError as error:
            return self.refuse(error)
        self.third_party: ThirdParty = self.credentials["request"].client
        return self.required_step(request) or cast("HttpResponse", super().dispatch(request, *args, **kwargs))

    def required_step(self, request: SellerRequest) -> HttpResponse | None:
        """Return the response that must come before the consent page, or None when the person may decide now."""
        prompt = set(request.GET.get("prompt", "").split())
        if "none" in prompt:
            # The consent page is always shown, so prompt=none cannot succeed (OpenID Connect Core §3.1.2.6).
            error = "consent_required" if request.user.is_authenticated else "login_required"
            return self.send_back({"error": error})
        if not request.user.is_authenticated:
            return redirect_to_login(self.address_without("prompt"))
        if "login" in prompt:
            return ask_for_proof(request, self.address_without("prompt"))
        if request.membership is None:
            return render(request, "accounts/no_seller.html", status=403)
        if not request.membership.can_write or not request.seller.is_open:
            message = "Je mag voor deze verkoper geen partijen toelaten. Vraag een eigenaar of beheerder."
            return self.explain(message, status=403, switch_account_url=self.switch_account_url)
        keep_form_for_proof(request)
        return None if is_recently_proven(request) else ask_for_proof(request)

    def get(self, request: SellerRequest) -> HttpResponse:
        return self.show(self.consent_form(filled_in(request)))

    def post(self, request: SellerRequest) -> HttpResponse:
        """Carry out the decision and redirect to the party (RFC 6749 §4.1.2)."""
        if not self.is_as_shown(request.POST.get("shown", "")):
            return self.explain("Deze pagina is verlopen of hoort bij een andere aanvraag of verkoper.", status=400)
        form = self.consent_form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        if not form.is_allowed:
            return self.send_back({"error": "access_denied"})
        return self.allow(form.cleaned_data["scopes"])

    def allow(self, rights: list[str]) -> HttpResponse:
        """Store consent and code in one transaction and send the code back (RFC 6749 §4.1.2)."""
        code = new_code()
        with transaction.atomic():
            authorization = ThirdPartyAuthorization.objects.consent(
                seller=self.request.seller, third_party=self.third_party, rights=rights, by=actor(self.request)
            )
            Grant.objects.create(
                code_hash=digest(code),
                application_id=self.third_party.pk,
                user=self.request.user,
                authorization=authorization,
                rights=authorization.scope,
                scope=self.granted_scope(rights),
                redirect_uri=self.credentials["redirect_uri"],
                code_challenge=self.credentials.get("code_challenge", ""),
                code_challenge_method=self.credentials.get("code_challenge_method", ""),
                expires=timezone.now() + dt.timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS),
            )
        return self.send_back({"code": code})

    def granted_scope(self, rights: list[str]) -> str:
        """Return the `scope` of the token response: the requested names that were granted (RFC 6749 §3.3)."""
        if set(self.scopes) == {scopes.OFFLINE_ACCESS}:
            return scopes.OFFLINE_ACCESS
        granted = [scope for scope in dict.fromkeys(self.scopes) if scope in {*rights, scopes.OFFLINE_ACCESS}]
        # The seller may reduce a requested "manage" to "read", a name that was not requested.
        included = scopes.close(granted)
        return " ".join([*granted, *(right for right in rights if right not in included)])

    @property
    def requestable_scopes(self) -> list[str]:
        """The rights on the consent page: the requested ones, else all that the party is registered for."""
        named = [scope for scope in self.scopes if scope != scopes.OFFLINE_ACCESS]
        return scopes.close(named) if named else self.third_party.rights

    def consent_form(self, data: Any = None) -> ConsentForm:
        """Return the form, which starts from the consent that this one would replace."""
        present = self.present
        return ConsentForm(data, among=self.requestable_scopes, present=present.rights if present else None)

    @cached_property
    def present(self) -> ThirdPartyAuthorization | None:
        """Return the current consent of the seller for this party, or None."""
        consents = ThirdPartyAuthorization.objects.for_seller(self.request.seller).standing().with_parties()
        return consents.filter(third_party=self.third_party).first()

    def show(self, form: ConsentForm, status: int = 200) -> HttpResponse:
        """Render the consent page."""
        context = {
            "form": form,
            "present": self.present,
            "third_party": self.third_party,
            "redirect_host": urlsplit(self.credentials["redirect_uri"]).netloc,
            "ends_at": one_year_after(timezone.now()),
            "elsewhere": self.authorizations_elsewhere(),
            "shown": signing.TimestampSigner(salt=self.SIGNATURE_SALT).sign(self.request_digest),
            "switch_account_url": self.switch_account_url,
        }
        page = partial(render, template_name="apicredentials/authorize.html", status=status)
        return csp_override(CONSENT_POLICY)(page)(self.request, context=context)

    def authorizations_elsewhere(self) -> models.QuerySet[ThirdPartyAuthorization]:
        """Return the authorisations of this party by other sellers of this user, for the wrong-shop warning."""
        others = [m.seller for m in self.request.memberships if m.seller != self.request.seller]
        return (
            ThirdPartyAuthorization.objects.active()
            .filter(seller__in=others, third_party=self.third_party)
            .select_related("seller")
        )

    @property
    def switch_account_url(self) -> str:
        """The page to choose another seller or user, which returns to this request."""
        return reverse("accounts:switch-seller", query={"next": self.request.get_full_path()})

    @property
    def request_digest(self) -> str:
        """A digest of request, user, seller and session, which must be the same when the form is submitted.

        Only a digest, because the session key must not be in the page.
        """
        request = self.request
        parts = [request.user.pk, request.seller.pk, request.session.session_key, request.META["QUERY_STRING"]]
        return salted_hmac(self.SIGNATURE_SALT, json.dumps(parts), algorithm="sha256").hexdigest()

    def is_as_shown(self, shown: str) -> bool:
        """Return whether the form was rendered for this request, user, seller and session, and recently."""
        signer = signing.TimestampSigner(salt=self.SIGNATURE_SALT)
        try:
            return signer.unsign(shown, max_age=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT) == self.request_digest
        except signing.BadSignature:
            return False

    def refuse(self, error: errors.OAuth2Error) -> HttpResponse:
        """Send an error to the party, or show it here if the redirect URI cannot be trusted (§4.1.2.1)."""
        if isinstance(error, errors.FatalClientError):
            return self.explain(EXPLANATIONS.get(type(error), DEFAULT_EXPLANATION), status=400)
        self.credentials = {"redirect_uri": error.redirect_uri, "state": error.state}
        return self.send_back({"error": str(error.error), "error_description": error.description or ""})

    def explain(self, message: str, *, status: int, switch_account_url: str = "") -> HttpResponse:
        """Show an error page, which never redirects."""
        context = {"message": message, "switch_account_url": switch_account_url}
        return render(self.request, "apicredentials/authorize_error.html", context, status=status)

    def send_back(self, parameters: dict[str, str]) -> HttpResponse:
        """Redirect to the party with these parameters, `state` and `iss` (RFC 9207 §2).

        Always 302 (RFC 9700 §4.12 forbids 307). The party's own query stays byte for byte (RFC 6749 §3.1.2);
        oauthlib would encode it again.
        """
        parameters = {**parameters, "state": self.credentials.get("state") or "", "iss": settings.ISSUER_URL}
        address, _, query = self.credentials["redirect_uri"].partition("?")
        added = urlencode({name: value for name, value in parameters.items() if value})
        uri = f"{address}?{query}&{added}" if query else f"{address}?{added}"
        return OAuth2ResponseRedirect(uri, allowed_schemes=["https", "http"])

    def address_without(self, parameter: str) -> str:
        """Return the URL of this request without one parameter."""
        query = self.request.GET.copy()
        query.pop(parameter, None)
        return f"{self.request.path}?{query.urlencode()}"


DEFAULT_EXPLANATION = "De aanvraag van de partij waar je vandaan komt is niet compleet of niet juist."
EXPLANATIONS: dict[type, str] = {
    errors.InvalidClientIdError: "We kennen de partij niet waar je vandaan komt, of ze is niet meer toegelaten.",
    errors.MissingClientIdError: "De aanvraag zegt niet van welke partij ze komt.",
    errors.MismatchingRedirectURIError: "De aanvraag wil je terugsturen naar een adres dat niet bij deze partij hoort.",
    errors.MissingRedirectURIError: "De aanvraag zegt niet naar welk adres je terug moet.",
}

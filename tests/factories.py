"""Factories of minimal valid objects. States are traits: `ThirdPartyAuthorizationFactory(expired=True)`.

The plaintext of a secret is returned by `reveal` only: `secret = credential.reveal(by=Actor())`.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, RelatedFactory, SelfAttribute, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from accounts.models import Membership, Seller, User
from apicredentials import scopes
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models import (
    Announcement,
    ClientCredential,
    ClientSecret,
    ResourceServer,
    TechnicalContact,
    ThirdParty,
    ThirdPartyAuthorization,
)
from apicredentials.models.client_secrets import hashes_of
from apicredentials.moments import one_year_after

PASSWORD = "een-wachtwoord-voor-tests"
REDIRECT_URI = "https://partij.example/terug"


class Factory[M: Model](DjangoModelFactory[M]):
    """A factory with a typed result."""

    if TYPE_CHECKING:

        def __new__(cls, **kwargs: Any) -> M: ...  # type: ignore[misc]


class UserFactory(Factory[User]):
    """A user who can sign in, with PASSWORD."""

    class Meta:
        model = User

    email = Sequence("gebruiker{}@winkel.example".format)
    password = PASSWORD

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(*args, **kwargs)


class MembershipFactory(Factory[Membership]):
    """A membership as owner, unless `role` is given."""

    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    seller = SubFactory("tests.factories.SellerFactory", owner=None)


class SellerFactory(Factory[Seller]):
    """A seller with its owner: `SellerFactory(owner__user=user)`; `owner=None` leaves it out."""

    class Meta:
        model = Seller
        skip_postgeneration_save = True

    class Params:
        closed = Trait(closed_at=LazyFunction(timezone.now))

    display_name = Sequence("Winkel {}".format)
    owner = RelatedFactory(MembershipFactory, "seller")


class TechnicalContactFactory(Factory[TechnicalContact]):
    """A confirmed contact, which makes the other sections of API Instellingen appear."""

    class Meta:
        model = TechnicalContact

    seller = SubFactory(SellerFactory)
    name = "Sanne de Vries"
    email = "techniek@winkel.example"
    confirmed_at = LazyFunction(timezone.now)


class ClientSecretFactory(Factory[ClientSecret]):
    """A secret, made from `plaintext`, which is not stored."""

    class Meta:
        model = ClientSecret
        exclude = ("plaintext",)

    plaintext = LazyFunction(secret_format.generate)
    hash = LazyAttribute(lambda secret: hashes_of(digest(secret.plaintext))[0])
    hint = LazyAttribute(lambda secret: secret.plaintext[-4:])


class ClientCredentialFactory(Factory[ClientCredential]):
    """A credential with every right, as the form creates it. It has a secret only with `revealed`."""

    class Meta:
        model = ClientCredential
        skip_postgeneration_save = True

    class Params:
        revealed = Trait(secret=RelatedFactory(ClientSecretFactory, "client"))
        paused = Trait(paused_at=LazyFunction(timezone.now))
        deleted = Trait(deleted_at=LazyFunction(timezone.now))

    seller = SubFactory(SellerFactory)
    name = Sequence("Magazijn {}".format)
    scope = scopes.join(scopes.ALL)


class ThirdPartyFactory(Factory[ThirdParty]):
    """A third party with every right, rotating refresh tokens and PKCE: the defaults of registration."""

    class Meta:
        model = ThirdParty

    class Params:
        public = Trait(client_type=ThirdParty.CLIENT_PUBLIC)

    name = Sequence("Partij {}".format)
    redirect_uris = REDIRECT_URI
    scope = scopes.join(scopes.ALL)


class ResourceServerFactory(Factory[ResourceServer]):
    """An API that may introspect tokens."""

    class Meta:
        model = ResourceServer

    name = Sequence("Retailer API {}".format)


class ThirdPartyAuthorizationFactory(Factory[ThirdPartyAuthorization]):
    """A consent given just now by the seller's owner."""

    class Meta:
        model = ThirdPartyAuthorization

    class Params:
        expired = Trait(granted_at=LazyFunction(lambda: timezone.now() - dt.timedelta(days=370)))
        expiring = Trait(granted_at=LazyFunction(lambda: timezone.now() - dt.timedelta(days=340)))
        ended = Trait(ended_at=LazyFunction(timezone.now), end_cause="removed_by_seller")

    seller = SubFactory(SellerFactory)
    third_party = SubFactory(ThirdPartyFactory)
    scope = SelfAttribute("third_party.scope")
    granted_by = LazyAttribute(lambda authorization: authorization.seller.members.first())
    granted_at = LazyFunction(timezone.now)
    expires_at = LazyAttribute(lambda authorization: one_year_after(authorization.granted_at))


class AnnouncementFactory(Factory[Announcement]):
    """A draft; `.send(by=Actor(), seen=announcement.updated_at)` sends it."""

    class Meta:
        model = Announcement

    subject = Sequence("Onderhoud op {} maart".format)
    text = "Zondag van 7:00 tot 8:00 geeft de Retailer API geen antwoord."

"""The data of API Instellingen, along its nouns."""

from apicredentials.models.activity import Activity
from apicredentials.models.announcements import Announcement
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.clients import OAuthClient, ResourceServer, ThirdParty
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.credentials import ClientCredential
from apicredentials.models.logos import ThirdPartyLogo
from apicredentials.models.mail import OutgoingMail
from apicredentials.models.secrets import ClientSecret
from apicredentials.models.tokens import Grant, IDToken, RefreshToken, RevokedAccessToken

__all__ = [
    "Activity",
    "Announcement",
    "ClientCredential",
    "ClientSecret",
    "Grant",
    "IDToken",
    "OAuthClient",
    "OutgoingMail",
    "RefreshToken",
    "ResourceServer",
    "RevokedAccessToken",
    "TechnicalContact",
    "ThirdParty",
    "ThirdPartyAuthorization",
    "ThirdPartyLogo",
]

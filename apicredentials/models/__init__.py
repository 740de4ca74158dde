"""The models of API Instellingen, one module per noun."""

from apicredentials.models.activity import Activity
from apicredentials.models.announcements import Announcement
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.clients import OAuthClient
from apicredentials.models.command_runs import CommandRun
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.credentials import ClientCredential
from apicredentials.models.logos import ThirdPartyLogo
from apicredentials.models.outgoing_mail import OutgoingMail
from apicredentials.models.resource_servers import ResourceServer
from apicredentials.models.third_parties import ThirdParty
from apicredentials.models.tokens import Grant, IDToken, RefreshToken, RevokedAccessToken
from apicredentials.models.usage import Usage

__all__ = [
    "Activity",
    "Announcement",
    "ClientCredential",
    "ClientSecret",
    "CommandRun",
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
    "Usage",
]

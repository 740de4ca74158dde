"""The members of a seller: their roles, invitations and the page Medewerkers."""

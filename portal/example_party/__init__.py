"""Orderwijs: an example of a third party, for the demo.

It is a separate site with its own address, and uses nothing of Django or the portal: it is configured with the
portal's address, a client id and a secret. It speaks OAuth 2.0 through the client library Authlib.
"""

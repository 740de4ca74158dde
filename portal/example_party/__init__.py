"""Orderwijs: an example of a third party, for the demo.

A site of its own, with its own address, and nothing of Django or the portal: all it knows of the portal is an
address, a client id and a secret. It speaks OAuth 2.0 through the client library Authlib.
"""

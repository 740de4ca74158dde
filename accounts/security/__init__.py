"""Signing in and the page Beveiliging: second factors, passkeys, sessions and the user's own address."""

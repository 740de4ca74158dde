"""The portal's production settings, with the keys of the tests."""

import os

from apicredentials import keys

os.environ |= {
    "ENV_FILE": os.devnull,
    "EMAIL_URL": "dummymail://",
    "SECRET_KEY": "the-key-of-the-benchmarks-is-known-to-everyone-and-protects-nothing",
    "SECRET_HASH_KEYS": keys.development_hash_keys("benchmarks"),
    "TOKEN_SIGNING_KEYS": keys.development_signing_keys("benchmarks"),
}

from portal.settings import *  # noqa: F403

"""The portal's production settings, with the keys of the tests."""

import os

from apicredentials.keys.hash_keys import development_hash_keys
from apicredentials.keys.signing_keys import development_signing_keys

os.environ |= {
    "ENV_FILE": os.devnull,
    "EMAIL_URL": "dummymail://",
    "REQUIRE_MFA": "off",  # the operator of the measurements has no second factor
    "SECRET_KEY": "the-key-of-the-benchmarks-is-known-to-everyone-and-protects-nothing",
    "SECRET_HASH_KEYS": development_hash_keys("benchmarks"),
    "TOKEN_SIGNING_KEYS": development_signing_keys("benchmarks"),
}

from portal.settings import *  # noqa: F403

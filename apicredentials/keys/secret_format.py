"""Format of client secrets: `rts_`, 76 random characters and a checksum of 6 characters.

Secret scanners find leaked secrets by this regular expression:

    \\brts_[A-Za-z0-9]{82}\\b

The checksum (CRC-32 of the 76 characters, in base 62) identifies a mistyped or cut-off secret without a query. It
adds no security: 76 characters of base 62 are 452 random bits.
"""

import re
import secrets
import string
import zlib

PREFIX = "rts_"
PATTERN = re.compile(r"rts_([A-Za-z0-9]{76})([A-Za-z0-9]{6})")

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 76
_CHECKSUM_LENGTH = 6


def generate() -> str:
    """Return a new secret from the operating system's random source."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{PREFIX}{body}{checksum(body)}"


def is_well_formed(text: str) -> bool:
    """Return whether `text` has the format and checksum of a client secret."""
    match = PATTERN.fullmatch(text)
    return match is not None and checksum(match[1]) == match[2]


def checksum(body: str) -> str:
    """Return the CRC-32 of `body` as six characters of base 62."""
    number = zlib.crc32(body.encode("ascii"))
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

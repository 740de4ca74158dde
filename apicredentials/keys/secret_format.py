"""How a client secret looks: `rts_`, 76 random characters, 6 of checksum; 86 in all.

The prefix lets secret scanners find one that leaked, with this regular expression:

    \\brts_[A-Za-z0-9]{82}\\b

The checksum (CRC-32 of the 76 characters, in base 62) tells a mistyped or cut-off secret from a real one
without asking the database. It protects nothing: 76 characters of base 62 hold 452 random bits.
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
    """Whether `text` can be a secret of ours: right shape, right checksum."""
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

"""The sender of all mail: the address in From."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses


def no_reply(name: str, host: str) -> str:
    """Return the address `noreply` at this host, with the name quoted as RFC 5322 requires.

    Raises ValueError when the name would not arrive as it is.
    """
    if not arrives(name):
        raise ValueError("does not fit in the From header of a mail")
    domain = f"[IPv6:{host}]" if ":" in host else host
    return str(Address(display_name=name, username="noreply", domain=domain))


def arrives(name: str) -> bool:
    """Whether a mail program reads this name in From.

    Python's email package drops the quotes of a name that it folds (so that a comma in it separates addresses), joins
    repeated spaces, and decodes a name that looks like an encoded word.
    """
    message = EmailMessage()
    try:
        message["From"] = str(Address(display_name=name, username="noreply", domain="mail.invalid"))
    except ValueError:
        return False
    received = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.compat32)
    addresses = getaddresses([str(received["From"]).replace("\r\n", "")])
    return [str(make_header(decode_header(read))) for read, _ in addresses] == [name]


def is_one_address(value: str) -> bool:
    """Whether `value` is one address of RFC 5322, with or without a name."""
    message = EmailMessage()
    try:
        message["From"] = value
    except ValueError:
        return False
    header = message["From"]
    if len(header.addresses) != 1 or header.defects or header.groups[0].display_name is not None:
        return False
    address = header.addresses[0]
    return bool(address.username.isascii() and address.username and address.domain)

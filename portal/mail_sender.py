"""The sender of all mail: the address in From."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses


def arrives(name: str) -> bool:
    """Return True if mail programs show this name in From unchanged.

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

"""IP addresses in one spelling, so that one address is always one text."""

from ipaddress import IPv6Address, ip_address


def canonical_address(text: str) -> str:
    """Return an IP address in its shortest form; IPv4 in IPv6 notation as IPv4, and without a zone.

    Raise ValueError when `text` is no IP address.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)

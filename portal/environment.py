"""Environment variables: reading a file of them, and typed values with one-line refusals.

A refusal names the variable and never repeats its value, which may be a password. A blank value counts as not set.
"""

import os
import re
from collections.abc import Callable, Collection
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Address, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import idna
from django.core.exceptions import ImproperlyConfigured

from portal.addresses import canonical_address
from portal.mail_sender import arrives

# IPv4 in IPv6 notation, ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
IPV4_MAPPED_PREFIX = 96
TRUE = {"1", "on", "true", "yes", "y", "ok"}
FALSE = {"0", "off", "false", "no", "n"}

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:\s#.*)?""")
_COMMENT = re.compile(r"\s#.*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The names that Django's own check of the Host header lets through, label by label.
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def refuse(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} {reason}")


# ---- A file ---------------------------------------------------------------------------------------------


def read_file(path: Path, *, name: str) -> None:
    """Add the variables of a file to the environment, whose own values win."""
    for variable, value in parse_file(contents(path, name=name), name=name).items():
        os.environ.setdefault(variable, value)


def contents(path: Path, *, name: str) -> str:
    """Return the text of a file; `name` is what a refusal calls it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise refuse(name, f"cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise refuse(name, "is not UTF-8 text.") from error


def parse_file(content: str, *, name: str) -> dict[str, str]:
    """Return the variables of an environment file: `NAME=value` or `export NAME="value"`, and comments.

    A `#` after white space starts a comment, except within quotes. Nothing is expanded: `$` is a character.
    """
    variables = {}
    for number, line in enumerate(map(str.strip, content.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or "\0" in line:
            raise refuse(name, f"has something other than NAME=value on line {number}.")
        value = _unquoted(match[2])
        if value is None:
            raise refuse(name, f"has a quote without its counterpart on line {number} ({match[1]}).")
        variables[match[1]] = value
    return variables


def _unquoted(written: str) -> str | None:
    """Return the value in the text behind `=`; None when a quote is not closed."""
    value = written.strip()
    if value[:1] not in {'"', "'"}:
        return _COMMENT.sub("", written, count=1).strip()
    match = _QUOTED.fullmatch(value)
    if match is None:
        return None
    return match[2] if match[1] is None else re.sub(r"\\([\\\"$`])", r"\1", match[1])


# ---- Values ---------------------------------------------------------------------------------------------


def text(name: str, default: str = "") -> str:
    """Return the variable without white space around it, literally: `$` does not refer to another variable."""
    value = _literal(name)
    if _CONTROL.search(value):
        raise refuse(name, "contains a line break or another control character.")
    return value or default


def _literal(name: str) -> str:
    value = os.environ.get(name, "").strip()
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refuse(name, "is not UTF-8 text.") from error
    return value


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    if value and value not in TRUE | FALSE:
        raise refuse(name, "must be on or off.")
    return value in TRUE if value else default


def choice(name: str, choices: Collection[str], default: str) -> str:
    """Return one of `choices`, in any case."""
    value = text(name, default)
    for each in choices:
        if each.lower() == value.lower():
            return each
    raise refuse(name, f"must be one of {', '.join(choices)}.")


def port(name: str, default: int) -> int:
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 2**16):
        raise refuse(name, "must be a port number from 1 to 65535.")
    return int(value)


def secret_file(name: str) -> str:
    """Return the variable, or the contents of the file that `<name>_FILE` names."""
    if path := text(f"{name}_FILE"):
        return contents(Path(path), name=f"{name}_FILE").strip()
    return _literal(name)  # which may have a key on each line, as the file may


def token(name: str) -> str:
    """Return a value that a client can send as a bearer token (RFC 6750 §2.1)."""
    value = text(name)
    if value and not _BEARER_TOKEN.fullmatch(value):
        raise refuse(name, "may consist of letters, digits and -._~+/ only.")
    return value


# ---- Lists ----------------------------------------------------------------------------------------------


def entries[T](name: str, read: Callable[[str], T], *, what: str) -> list[T]:
    """Return a list separated by commas, each entry as `read` returns it; empty entries do not count."""
    found = []
    for number, entry in enumerate(_literal(name).split(","), start=1):
        if not entry.strip():
            continue
        try:
            found.append(read(entry.strip()))
        except ValueError as error:
            raise refuse(name, f"has an entry that is no {what}: number {number}.") from error
    return found


def networks(name: str) -> list[str]:
    """Return IP addresses and networks; IPv4 in IPv6 notation as IPv4."""
    return entries(name, _network, what="IP address or network")


def _network(entry: str) -> str:
    network = ip_network(entry, strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < IPV4_MAPPED_PREFIX:
        return str(network)
    return f"{mapped}/{network.prefixlen - IPV4_MAPPED_PREFIX}"


def hosts(name: str, default: list[str]) -> list[str]:
    """Return host names as Django compares them with the Host header; `.example.nl` and `*` are its wildcards."""
    return entries(name, _host_pattern, what="host name (without scheme, port or path)") or default


def _host_pattern(entry: str) -> str:
    if entry == "*":
        return entry
    if entry.startswith("."):
        return f".{host(entry[1:])}"
    return host(f"[{entry}]" if entry.count(":") > 1 and not entry.startswith("[") else entry)


# ---- Addresses ------------------------------------------------------------------------------------------


def host(name: str) -> str:
    """Return a host as browsers send it: lower case, ASCII (IDNA 2008), IPv6 in brackets and compressed.

    Raise ValueError for what no browser sends, or Django refuses.
    """
    if name.startswith("["):
        address = canonical_address(name.removeprefix("[").removesuffix("]"))
        if not name.endswith("]") or ":" not in address or "%" in name:
            raise ValueError("not an IPv6 address")
        return f"[{address}]"
    name = name.removesuffix(".")
    ascii_name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
    if len(ascii_name) > 253 or not _HOST.fullmatch(ascii_name):
        raise ValueError("not a host name")
    # Browsers read a name that ends in a number as an IPv4 address, and rewrite it unless it is spelled in full.
    if re.fullmatch(r"\d+|0x[0-9a-f]*", ascii_name.rpartition(".")[2]):
        IPv4Address(ascii_name)
    return ascii_name


def without_port(netloc: str) -> str:
    return re.sub(r":\d+$", "", netloc)


def is_ip_address(name: str) -> bool:
    return name.startswith("[") or name.rpartition(".")[2].isdigit()


def web_address(name: str, default: str = "") -> SplitResult:
    """Return an http(s) address in ASCII, with its host in the form that browsers send."""
    value = text(name, default)
    if re.search(r"\s", value):
        raise refuse(name, "must be an address without white space.")
    try:
        parts = urlsplit(value)
        number = parts.port
    except ValueError as error:
        raise refuse(name, "must be an http(s) address with a valid host and port.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise refuse(name, "must begin with https:// or http:// and a host.")
    if "@" in parts.netloc:
        raise refuse(name, "must not contain a user or password.")
    if number == 0:
        raise refuse(name, "must not name port 0.")
    try:
        netloc = host(f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname)
    except ValueError as error:
        raise refuse(name, "has a host that browsers or certificates do not accept.") from error
    if number and number != {"http": 80, "https": 443}[parts.scheme]:
        netloc = f"{netloc}:{number}"
    return parts._replace(netloc=netloc)


def link(name: str) -> str:
    """Return an http(s) address to link to, or ''."""
    return web_address(name).geturl() if text(name) else ""


def origin(name: str, default: str) -> SplitResult:
    """Return an http(s) address that has no path: clients would look for its metadata elsewhere (RFC 8414 §3.1)."""
    value = text(name, default)
    parts = web_address(name, default)
    if parts.path.strip("/"):
        raise refuse(name, "must not have a path: the portal answers at the root of its host.")
    if "?" in value or "#" in value:
        raise refuse(name, "must be an http(s) address without query or fragment.")
    return parts._replace(path="")


def mailbox(name: str, *, named: bool = False) -> str:
    """Return a mail address as a header takes it, or ''; with `named` also `"Name" <local@domain>`.

    The name needs no quoting in the variable. The domain is returned in ASCII.
    """
    value = text(name)
    if not value:
        return ""
    display_name, address = "", value
    if named and value.endswith(">"):
        display_name, _, address = value[:-1].rpartition("<")
    try:
        return mail_header(_without_quotes(display_name.strip()), address.strip())
    except ValueError as error:
        example = "Name <name@example.nl>" if named else "name@example.nl"
        raise refuse(name, f"must be one mail address, as in {example}.") from error


def _without_quotes(name: str) -> str:
    return parseaddr(f"{name} <a@b>")[0] if re.fullmatch(r'"(?:[^"\\]|\\.)*"', name) else name


def sender(portal_name: str, address: str) -> str:
    """Return the default From header."""
    if not arrives(portal_name):
        problem = (
            "does not fit in the From header of a mail: it is too long, or has =? or repeated spaces. Shorten it, or"
        )
        raise refuse("PORTAL_NAME", f"{problem} set DEFAULT_FROM_EMAIL.")
    return mail_header(portal_name, address)


def mail_header(display_name: str, address: str) -> str:
    """Return name and address as the value of a From header; raise ValueError when the address is none."""
    local, _, domain = address.rpartition("@")
    if "=?" in display_name:
        raise ValueError("mail programs read this as encoded text (RFC 2047)")
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local):
        raise ValueError("not a mailbox")
    return str(Address(display_name, addr_spec=f"{local}@{host(domain)}"))

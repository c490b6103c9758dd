"""Finds the IP addresses of a host, and refuses those inside the operator's network."""

import ipaddress
import socket

from domain.job.sources import SourceAddress
from worker.training.fetching.remote import CannotFetch, FetchInterrupted

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses that a network translates to the IPv4 address in their last 32 bits."""


def find_addresses(address: SourceAddress) -> list[str]:
    """Returns the IP addresses of a host, each of which may be connected to.

    The caller connects to one of these addresses and asks for no name again. A server of names
    that answers differently the next time (DNS rebinding) therefore has no effect.

    A literal address is in the list of allowed hosts itself, so it may be a private one.

    Raises:
        CannotFetch: The host has an address that is not public.
        FetchInterrupted: The host has no address just now.
    """
    if address.is_literal:
        return [str(_parse(address.host))]
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchInterrupted(f"The host '{address.host}' has no address.") from error
    numbers = list(dict.fromkeys(str(item[4][0]) for item in found))
    for number in numbers:
        if not is_public(_parse(number)):
            raise CannotFetch(
                f"The host '{address.host}' has an address that is not public, so this service "
                "does not connect to it."
            )
    return numbers


def is_public(address: IpAddress) -> bool:
    """Returns whether an address belongs to the Internet, and so does an address inside it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _find_inner(address)
        if address.is_site_local or (inner is not None and not is_public(inner)):
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    ) or (isinstance(address, ipaddress.IPv6Address) and address in NAT64)


def _find_inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Returns the IPv4 address inside an IPv6 address of a transition mechanism."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _parse(text: str) -> IpAddress:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise CannotFetch(f"'{text}' is no IP address.") from None

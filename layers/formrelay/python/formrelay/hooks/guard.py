"""Address policy: which addresses an attempt may reach (design §6, I7).

The list is our own, because ``ipaddress.is_global`` holds for NAT64, 6to4, ISATAP and SIIT spellings of loopback
and for multicast. An address passes when it is globally routable unicast and so is every IPv4 address inside it.
An operator's deny list beats the operator's allow list, which beats the built-in one.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registry, multicast, reserved space, and Azure's platform address.
_FORBIDDEN_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
# All global unicast of today; whatever lies outside (NAT64, SIIT, ULA, link-local, multicast …) is refused.
_UNICAST_V6 = IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarking and other protocol assignments
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3ffe::/16",
            "3fff::/20",
        ),
    )
)
# Their last 32 bits are an IPv4 address: compatible, SIIT, NAT64 well-known and local-use.
_V4_AT_THE_END = tuple(map(IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
# Interface identifiers of ISATAP: 0000:5efe or 0200:5efe, then an IPv4 address.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)

# Of an endpoint that is no https where nothing else is allowed.
UNSECURED = "Unsecured endpoint is not allowed"


class Policy(NamedTuple):
    """An operator's exceptions to the built-in list."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()


def policy(allow: Iterable[str] = (), deny: Iterable[str] = ()) -> Policy:
    """The policy of these CIDR texts. Raises ValueError for one that is no network."""
    return Policy(_networks(allow), _networks(deny))


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


@lru_cache(maxsize=4096)
def allowed(address: str, policy: Policy) -> bool:
    """Whether an attempt may reach ``address``, an IP address as text; anything else is not allowed."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    views = _views(parsed)
    if any(view in network for network in policy.deny for view in views):
        return False
    return all(_public(view) or any(view in network for network in policy.allow) for view in views)


def _views(address: Address) -> list[Address]:
    """The address and the IPv4 addresses that it carries; an IPv4-mapped one is that IPv4 address."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    views: list[Address] = [address]
    if address.is_loopback or address.is_unspecified:
        return views  # they are written like IPv4-compatible ones, and carry none (RFC 4291 §2.5.5.1)
    number = int(address)
    if address.sixtofour is not None:
        views.append(address.sixtofour)
    if address.teredo is not None:
        views += address.teredo
    if number >> 32 & 0xFFFF_FFFF in _ISATAP or any(address in network for network in _V4_AT_THE_END):
        views.append(IPv4Address(number & 0xFFFF_FFFF))
    return views


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return address in _UNICAST_V6 and not any(address in network for network in _FORBIDDEN_V6)

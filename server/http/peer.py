"""Who is calling, by network address."""

import ipaddress

from aiohttp import web

PEER = web.RequestKey("peer", str)


def peer_address(request: web.Request, trusted: frozenset[str]) -> str:
    """Who is calling; forwarded headers are believed only from a proxy that the settings name."""
    remote = request.remote or ""
    if remote not in trusted:
        return remote
    # The nearest proxy appends: the last address that is not a trusted proxy is the caller.
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        address = hop.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            break
        if address not in trusted:
            return address
    return remote


def wide_network_of(address: str) -> str:
    """What a log keeps of a stranger: 256 IPv4 addresses, or the /48 of a whole site."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    width = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, width), strict=False))


def network_of(address: str) -> str:
    """What limits count as one caller: an IPv4 address, or the /64 that every IPv6 subscriber holds whole."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)

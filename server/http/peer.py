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

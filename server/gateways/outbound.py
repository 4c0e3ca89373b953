"""Calls to addresses that users name: only to the public internet, however the address is written (C42).

Checked when the address is given, and again where it counts: the resolver of the connection itself lets nothing
but public addresses through, so that a name which changes its mind, or a number in disguise, leads nowhere.
Redirects are not followed by any caller of this module.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

# Names that lead to this machine or this network on many hosts, whatever DNS says.
_LOCAL = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa")
# IPv6 addresses with an IPv4 one inside: a gateway would send it on.
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
RESOLVE_S = 5.0


class PublicResolver(AbstractResolver):
    """Names that lead to this machine or a private network lead nowhere (also when DNS changes its mind)."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a host; OSError when there is none."""
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError(f"no public address for {host}")
        return public

    async def close(self) -> None:
        """Nothing to give back."""
        await self._resolver.close()


def session(
    parallel: int, timeout_s: float, *, of_each: int = 0, allow_private: bool = False
) -> aiohttp.ClientSession:
    """A client for such calls: no proxy of the environment, no cookies between one user's server and another's.

    `parallel` connections at most, `of_each` host (0: no such limit).
    """
    resolver = ThreadedResolver() if allow_private else PublicResolver()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=parallel, limit_per_host=of_each, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        trust_env=False,
    )


def acceptable(url: str) -> bool:
    """Whether a user may name this URL: https, a host, no credentials, no private address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or not host or parts.username is not None or parts.password is not None:
        return False
    if any(character <= " " or character in "\\\x7f" for character in url):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".")
        # A last label of digits or 0x.. is a number to some resolvers, and no top-level domain.
        last = name.rpartition(".")[2]
        numeric = last.isdigit() or last.startswith("0x")
        return "." in name and not numeric and not name.endswith(_LOCAL)
    return is_public(host)


async def leads_outside(url: str) -> bool:
    """Whether every address of the URL's host is public now. Asks DNS; False when it knows none."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return False
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return bool(found) and all(is_public(str(one[4][0])) for one in found)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inside is None and any(ip in network for network in _NAT64):
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast

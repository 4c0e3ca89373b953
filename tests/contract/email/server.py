"""A local SMTP server with a script and a memory: it speaks the wire, and fails at any step as it is told."""

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Reaction = str  # a reply such as "450 4.2.1 busy", or "hang", or "cut"


@dataclass
class Envelope:
    """A mail that was taken."""

    sender: str
    reader: str
    content: bytes
    encrypted: bool


class Cut(Exception):
    """The server ends the connection."""


@dataclass
class Server:
    """`script` holds what to answer next, instead of yes, at connect, ehlo, auth, mail, rcpt, data and content."""

    script: dict[str, list[Reaction]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    users: dict[str, str] = field(default_factory=dict)
    taken: list[Envelope] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # commands, in order, over all connections
    connections: int = 0
    hanging: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))  # released by each hang
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        implicit = None if self.starttls else self.tls
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=implicit)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = Talk(self, reader, writer)
        try:
            await talk.run()
        except (Cut, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


@dataclass
class Talk:
    """One connection."""

    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def run(self) -> None:
        sender = reader = ""
        await self.answer("connect", "220 fake ESMTP")
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            self.server.said.append(line)
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    await self.answer("ehlo", self.greeting())
                case "STARTTLS" if self.server.tls is not None:
                    self.write("220 go on")
                    await self.writer.start_tls(self.server.tls)
                case "AUTH":
                    await self.auth(rest)
                case "MAIL":
                    sender = rest.partition("<")[2].partition(">")[0]
                    await self.answer("mail", "250 2.1.0 fine")
                case "RCPT":
                    reader = rest.partition("<")[2].partition(">")[0]
                    await self.answer("rcpt", "250 2.1.5 fine")
                case "DATA":
                    if await self.answer("data", "354 go on"):
                        raw = await self.reader.readuntil(b"\r\n.\r\n")
                        content = raw[:-3].replace(b"\r\n..", b"\r\n.")
                        if await self.answer("content", "250 2.0.0 taken"):
                            self.server.taken.append(Envelope(sender, reader, content, self.encrypted))
                case "RSET":
                    self.write("250 fine")
                case "QUIT":
                    self.write("221 bye")
                    raise Cut
                case _:
                    self.write("500 5.5.1 what?")

    @property
    def encrypted(self) -> bool:
        return self.writer.get_extra_info("sslcontext") is not None

    def greeting(self) -> str:
        offers = ["fake", "SIZE 10000000", "8BITMIME"]
        if self.server.starttls and not self.encrypted:
            offers.append("STARTTLS")
        if self.server.users:
            offers.append("AUTH PLAIN")
        return "\r\n".join([*(f"250-{offer}" for offer in offers), "250 HELP"])

    async def auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        right = self.server.users.get(user) == password
        await self.answer("auth", "235 2.7.0 welcome" if right else "535 5.7.8 no")

    async def answer(self, step: str, usual: str) -> bool:
        """Says what the script has for the step, else the usual; whether that was the usual."""
        scripted = self.server.script.get(step)
        reaction = scripted.pop(0) if scripted else usual
        if reaction == "hang":
            self.server.hanging.release()
            await self.reader.read()  # until the client gives up
            raise Cut
        if reaction == "cut":
            raise Cut
        self.write(reaction)
        if reaction.startswith("421"):
            raise Cut
        return reaction == usual

    def write(self, reply: str) -> None:
        self.writer.write(reply.encode() + b"\r\n")


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """(a server's context with a certificate for this name or address, the file that a client trusts it by)."""
    key = ec.generate_private_key(ec.SECP256R1())
    about = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake")])
    now = datetime.datetime.now(datetime.UTC)
    try:
        whose: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        whose = x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(about)
        .issuer_name(about)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([whose]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trusted, whole = folder / "ca.pem", folder / "server.pem"
    trusted.write_bytes(public)
    whole.write_bytes(public + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    return context, str(trusted)

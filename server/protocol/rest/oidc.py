"""Signing in with Google and Apple."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Seconds, Token
from .common import Form, View

Provider = Literal["google", "apple"]
Base64Url = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43,128}(?![\s\S])", max_length=128)]


class SignInMethods(View, frozen=True):
    """What the sign-in page offers. Google never stands there without Apple."""

    phone: bool
    google: list[str]  # client ids, the web page's first; empty when it is off
    apple: list[str]  # Services ID, bundle id; empty when it is off


class OidcStartForm(Form, frozen=True):
    """Begins a trip to Google or Apple. A page keeps a random verifier and sends its SHA-256 (base64url) as
    `challenge`; an app sends none and gets a nonce for its native dialogue. `link` is for who is signed in."""

    challenge: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$", max_length=43)] | None = None
    purpose: Literal["sign_in", "link"] = "sign_in"


class OidcStarted(View, frozen=True):
    """For a page: where to go, as a full page. For an app: the nonce for its dialogue."""

    expires_at: Seconds
    redirect: str | None = None
    nonce: str | None = None


class OidcFinishForm(Form, frozen=True):
    """The `flow` that the page was opened with again, and the verifier that it kept."""

    flow: Token
    verifier: Base64Url


class OidcNativeForm(Form, frozen=True):
    """What an app's dialogue gave. `name` comes from Apple the first time only; `code` is Apple's
    authorization code, by which we can revoke their token when the account is deleted."""

    id_token: Annotated[str, Meta(min_length=1, max_length=8192)]
    nonce: Base64Url
    name: Annotated[str, Meta(max_length=120, pattern=STORABLE)] = ""
    code: Token | None = None


class IdentityWaiting(View, frozen=True):
    """Google or Apple know this person and we do not yet. Confirm a phone (`/auth/otp`, then `/auth/verify` with
    `identity`), or, signed in, link it to the account."""

    identity: str
    provider: Provider
    name: str
    email: str | None
    expires_at: Seconds


class IdentityForm(Form, frozen=True):
    """The waiting identity that the caller's account is to get."""

    identity: Token


class LinkedIdentity(View, frozen=True):
    """A Google or Apple account that signs in to this account."""

    identity: int
    provider: str
    name: str
    email: str | None
    linked_at: Seconds


class LinkedIdentities(View, frozen=True):
    """All of the caller's."""

    identities: list[LinkedIdentity]

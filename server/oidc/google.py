"""Google: code and PKCE for the page, an ID token from the dialogue of the app."""

from server.signing_in import GoogleIds

from .provider import Provider


class Google(Provider):
    """The web client's id asks, the token may be for any of ours: each app has its own."""

    name = "google"

    def __init__(self, ids: GoogleIds, redirect: str) -> None:
        super().__init__(ids.issuer, ids.clients[0], frozenset(ids.clients), redirect)
        self._secret = ids.secret

    @property
    def issuers(self) -> frozenset[str]:
        """Google names itself with and without the scheme."""
        return frozenset({self.issuer, self.issuer.partition("://")[2]})

    def client_secret(self, client: str, now: float) -> str | None:
        """Apps have none."""
        return self._secret if client == self.web else None

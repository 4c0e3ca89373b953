"""The two ways in which another company's service does not answer a question."""


class NoAnswer(Exception):
    """The provider works and knows none: no way between these places, no such address."""


class ProviderFault(Exception):
    """The provider did not answer as it should.

    `kind`: network, timeout, server, quota, refused (key or account), rejected (it does not take this request),
    malformed. `retry_after_s` is the provider's own wish, None without one.
    """

    def __init__(self, kind: str, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.retry_after_s = retry_after_s

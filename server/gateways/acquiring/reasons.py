"""Why CloudPayments declines, and what that means for the next try. Codes as in its documentation, "Коды ошибок":
most are ISO 8583 response codes with 5000 added."""

from billing.acquiring import Advice

_LATER = frozenset(
    {
        5030,  # the issuer did not understand the request
        5051,  # no money
        5061,  # above the limit of a day
        5065,  # too many payments today
        5091,  # the issuer is out of reach
        5092,  # no way to the issuer
        5096,  # a fault at the bank or in the network
        5204,  # declined by the acquirer's own guard, which looks at the moment
    }
)
_NEVER = frozenset(
    {
        5014,  # no such card
        5033,  # expired, to be withdrawn
        5034,  # suspected of fraud
        5041,  # lost
        5043,  # stolen
        5054,  # expired
    }
)


def advice_of(code: int) -> Advice:
    """What to do after a decline; for every code that we do not know the payer has to look."""
    if code in _LATER:
        return Advice.LATER
    return Advice.NEVER if code in _NEVER else Advice.OTHER

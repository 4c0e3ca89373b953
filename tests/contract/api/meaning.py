"""What may be refused though its form is right, and which operations cannot succeed here, each with why."""

# A form says what each field may be. What two fields may be together, and what only a table or the clock knows, it
# does not: such a request is refused with `bad_request` and the field, in these words.
REFUSED: dict[str, str] = {
    "name the driver": "a logistician asks for one of many, a driver for himself",
    "{a} and {b} go together": "one of a pair alone says nothing",
    "{a} and {b} exclude each other": "two ways of saying one thing",
    "lat and lon go together": "one of a pair alone says nothing",
    "a stop needs a city, or lat and lon": "either of them",
    "either phone or code": "exactly one",
    "name one: {names:list}": "exactly one",
    "say a form or an order": "exactly one",
    "bbox is required": "for the map; the other searches share its query",
    "a grade belongs to role admin and to no other": "two fields",
    "a rejection says why, an approval does not": "two fields",
    "a rejection says why, a verification does not": "two fields",
    "this kind of paper is not of that subject": "a table of kinds",
    "a paper is issued before it expires": "two fields",
    "the lowest temperature is above the highest": "two fields",
    "there is no such time zone": "the list of zones is the system's",
    "a number plate has letters and digits, sixteen at most": "as counted without what does not count",
    "expires_at lies in the past": "the clock",
    "not a cursor of this list": "ours, sealed by its form",
    "address must be an https URL of a public push service": "a list of hosts",
    "p256dh and auth must be those of the subscription, base64url": "points of a curve",
    "give an https address of the public internet": "addresses that lead inside",
    "this name leads to no public address": "the name service",
    "west, south, east, north in degrees": "four numbers of different ranges",
    "{field} is no encoded polyline": "an encoding",
    "{field} leaves the earth": "an encoding",
    "a saved search follows the active vehicle": "it shares the fields of the board's search",
    "a Russian or an English text is needed": "one of several fields",
    "invisible characters are not sent": "letters of a push, as a table says",
    "a message names no link and no number: link a page instead": "as the filter of contacts finds them",
    "an amount belongs to every kind but none": "two fields",
    "a kind of cargo is named twice": "two elements of a list",
    "a region has two prices in one currency": "two elements of a list",
    "a plan stays with the role that it was made for": "what its first version says",
    "this body has a rate for this distance already": "two elements of a list",
    "the last rate of a body has no end": "all elements of a list",
    "a load is this when nothing is said: it stays": "a table of defaults",
    "the span must be between nothing and {n} days": "two fields",
    "a photo needs its file": "two fields",
    "either before or after": "two fields",
    "either a text or a phrase": "two fields",
    "say something": "one of several fields",
    "the same file twice": "two elements of a list",
    "this phrase is of the other side": "a table of phrases",
    "quiet hours begin and end at different minutes of a day": "two fields",
    "a category is named twice": "two elements of a list",
    "name either items or the last of all that were read": "two fields",
    "send one part with the name file": "a part of a form may be a field, which is no file",
}

_CODE = "needs a code that only the phone of the caller gets: tests/integration/identity"
_ABROAD = "Google and Apple are not set up on this server: tests/integration/identity/test_oidc.py"
_FACTOR = "needs a code of the moment: tests/integration/identity/test_factors.py"
_FLEET = "nobody here drives for a fleet: tests/integration/accounts/test_fleet.py"

# Operations without a success here.
NEVER: dict[str, str] = {
    "POST /api/v1/auth/verify": _CODE,
    "POST /api/v1/me/phone": _CODE,
    "POST /api/v1/me/email/confirm": "needs a code that only the mailbox gets: tests/integration/accounts",
    "POST /api/v1/auth/second-factor": _FACTOR,
    "POST /api/v1/auth/step-up": _FACTOR,
    "POST /api/v1/me/second-factor/confirm": _FACTOR,
    "POST /api/v1/me/second-factor/recovery-codes": _FACTOR,
    "POST /api/v1/auth/google/start": _ABROAD,
    "POST /api/v1/auth/google/native": _ABROAD,
    "POST /api/v1/auth/apple/start": _ABROAD,
    "POST /api/v1/auth/apple/native": _ABROAD,
    "POST /api/v1/auth/finish": _ABROAD,
    "POST /api/v1/me/identities": _ABROAD,
    "GET /api/v1/me/fleet": _FLEET,
    "PUT /api/v1/me/fleet": _FLEET,
    "DELETE /api/v1/me/fleet": _FLEET,
}

# Where a word of one path can be the id of another: a method of the other is answered by it.
TWO_PATHS: dict[str, str] = {
    "POST /api/v1/me/sessions/end": "DELETE /me/sessions/{session}",
    "POST /api/v1/orders/{order}/invitations/by-contact": "DELETE /orders/{order}/invitations/{invitation}",
}

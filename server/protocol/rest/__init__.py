"""Bodies of the REST API, one module a subject. The same units and types as the websocket messages."""

from . import (
    account,
    bids,
    blocks,
    board,
    common,
    dictionaries,
    flags,
    fuel,
    integrations,
    invitations,
    offers,
    orders,
    places,
    quotes,
    reloads,
    signin,
    staff,
)

# In the order of the documentation: what is used before what uses it.
MODULES = (
    common,
    signin,
    account,
    places,
    quotes,
    orders,
    offers,
    board,
    bids,
    invitations,
    reloads,
    blocks,
    staff,
    flags,
    fuel,
    dictionaries,
    integrations,
)

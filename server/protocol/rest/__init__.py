"""Bodies of the REST API, one module a subject. The same units and types as the websocket messages."""

from . import (
    account,
    bids,
    blocks,
    board,
    common,
    dictionaries,
    fuel,
    invitations,
    offers,
    oidc,
    orders,
    places,
    quotes,
    sessions,
    signin,
    staff,
    users,
)

# In the order of the documentation: what is used before what uses it.
MODULES = (
    common,
    signin,
    sessions,
    oidc,
    account,
    places,
    quotes,
    orders,
    offers,
    board,
    bids,
    invitations,
    blocks,
    staff,
    users,
    fuel,
    dictionaries,
)

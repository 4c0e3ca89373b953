"""Bodies of the REST API, one module a subject. The same units and types as the websocket messages."""

from . import (
    account,
    bids,
    blocks,
    board,
    common,
    companies,
    dictionaries,
    fuel,
    invitations,
    offers,
    orders,
    papers,
    places,
    quotes,
    signin,
    staff,
    vehicles,
)

# In the order of the documentation: what is used before what uses it.
MODULES = (
    common,
    signin,
    account,
    vehicles,
    companies,
    papers,
    places,
    quotes,
    orders,
    offers,
    board,
    bids,
    invitations,
    blocks,
    staff,
    fuel,
    dictionaries,
)

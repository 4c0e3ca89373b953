"""Bodies of the REST API, one module a subject. The same units and types as the websocket messages."""

from . import (
    account,
    board,
    common,
    companies,
    dictionaries,
    offers,
    orders,
    papers,
    places,
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
    orders,
    offers,
    board,
    staff,
    dictionaries,
)

"""Bodies of the REST API, one module a subject. The same units and types as the websocket messages."""

from . import account, board, common, offers, oidc, orders, places, sessions, signin, staff, users

# In the order of the documentation: what is used before what uses it.
MODULES = (common, signin, sessions, oidc, account, places, orders, offers, board, staff, users)

"""Who may do what, all of it: every route and every websocket message, as every kind of caller, on what is the
caller's own, on what is somebody else's, and on what is not there.

`test_matrix.py` takes the routes of `server.http.routes.ROUTES` and the messages of `ClientMessage`. Each needs
one `Row` (or `Frame`) in `rows/<area>.py`; one without fails a test by name. Then every cell is really sent to a
running server, from a fresh account each, and the answer is compared with what was expected.

What is expected follows from the route, so a row says only what is particular:

    Row("POST /api/v1/orders/{order}/cancel", body={}, own=an_order)

- `body`, `query` and `headers` must make a request that succeeds for whoever may send it. Where they depend on
  what was made, they are functions of the `Cell`.
- `own` makes what the path names and returns its id (or all ids by their names in the path) for the person that
  it is given, with `World`, by SQL or by the stores. The own, the foreign (a stranger of the same kind) and the
  mixed cell (own but for the last id of a longer path) call it. Rows whose path has no ids need none.
- `given` is done for the person who asks beforehand (makes them the owner of a company, say).
- `shared=True` when what the path names is nobody's (a load on the board, a town): there is no foreign one.
- `staff="own"` when staff have no power over what is others' (their own push endpoints, say).
- `expect` overrides single cells: {"driver": "subscription_expired", "expired.own": "subscription_expired",
  "*.foreign": "forbidden"}. Keys are a kind of caller, `.`, and own, foreign, mixed or absent; either half may be
  missing or `*`, the most particular wins. Values are an HTTP status (success) or an error code (refusal).

By default: nobody in particular gets `unauthenticated` but on public routes; who is blocked `session_revoked`; a
program with an API key is its shipper where the route names a scope, and otherwise `forbidden`, as is a role or a
grade that the route does not name; own things and routes without ids succeed with the route's status; foreign and
absent things are both `not_found`, byte for byte the same but for the request's id (C20); staff whom the route
admits reach everybody's.

Websocket messages work alike with `Frame`, which also names the roles that may send one, since no table does.

To add a kind of caller: `KINDS` in `world.py`.
"""

"""Which driver may know of which load: the one predicate that every search, offer, bid and accept asks.

Two people who do not want to meet are a row of `blocks`, whichever side put it up; `orders.hidden_from` keeps
one load from some companies of carriers; a private load is for invited drivers only. Statements embed the
text that these functions return, so that the same rule stands in the board, the waves, the alerts of saved
searches, the bids and, under the order's lock, in the decision itself.

`driver` and `order` are what the statement around it calls them: a column (`u.id`) or a parameter
(`$1::bigint`), and the alias of `orders`. The subselects do not look at the order, so for a parameter they run
once a statement and each row costs a few comparisons; for a column they run once a driver, by ix_blocks_driver.
"""


def companies_of(driver: str) -> str:
    """The companies of carriers that this driver drives for, as an array (uq_fleet_drivers_driver)."""
    return (
        f"ARRAY(SELECT f.company_id FROM fleet_drivers f WHERE f.driver_id = {driver} AND f.left_at IS NULL)"
    )


def unhidden(driver: str = "u.id", order: str = "o") -> str:
    """Nobody keeps this load from this driver: no block between the two sides, not hidden from his company."""
    blocked = f"(b.driver_id = {driver} OR b.carrier_id = ANY ({companies_of(driver)}))"
    shippers = f"SELECT b.shipper_id FROM blocks b WHERE {blocked} AND b.shipper_id IS NOT NULL"
    companies = f"SELECT b.company_id FROM blocks b WHERE {blocked} AND b.company_id IS NOT NULL"
    return (
        f"({order}.shipper_id <> ALL (ARRAY({shippers}))"
        f" AND ({order}.company_id IS NULL OR {order}.company_id <> ALL (ARRAY({companies})))"
        f" AND NOT {order}.hidden_from && {companies_of(driver)})"
    )


def sees(driver: str = "u.id", order: str = "o") -> str:
    """`unhidden`, and when the load is private, invited to it now (uq_offers_live)."""
    return (
        f"({unhidden(driver, order)} AND (NOT {order}.private OR EXISTS (SELECT FROM offers i"
        f" WHERE i.order_id = {order}.id AND i.driver_id = {driver} AND i.status = 'live'"
        f" AND i.kind = 'invitation' AND i.expires_at > clock_timestamp())))"
    )

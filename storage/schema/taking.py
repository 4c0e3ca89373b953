"""Taking a load: bids and their versions, invitations, who hides from whom, and what watches over habits."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from .columns import at, id_column, metadata, ref

# Live bids: the driver's word stands, or the shipper has countered and the driver thinks.
_LIVE = "status IN ('live', 'countered')"

# The bid as it stands; every change of its terms is a row of bid_versions.
bids = Table(
    "bids",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("driver_id", "users.id"),
    Column("status", String(12), nullable=False),  # dispatch.bids.BidStatus
    Column("version", Integer, nullable=False, server_default="1"),  # of the bid: grows with each change
    Column("order_version", Integer, nullable=False),  # of the order that was bid on
    Column("amount", BigInteger, nullable=False),  # the driver's, minor units
    Column("currency", String(3), nullable=False),
    Column("message", String(500), nullable=False, server_default=""),
    at("eta_at", nullable=True),  # at the pickup, as the driver says
    at("available_from", nullable=True),  # a driver who is still on a haul bids for later
    Column("counter_amount", BigInteger),
    Column("counter_message", String(500), nullable=False, server_default=""),
    # Whether a lower bid is live. Kept only where the shipper lets bidders know.
    Column("outbid", Boolean, nullable=False, server_default=text("false")),
    Column("reason", String(24)),  # why it was declined or lost
    ref("acted_by", "users.id", nullable=True),  # a logistician who bids for the driver
    at("made_at", now=True),
    at("changed_at", now=True),
    at("seen_at", nullable=True),  # by the side that must answer, since the last change
    at("expires_at"),
    at("ended_at", nullable=True),
    Index(None, "order_id"),
    Index(None, "driver_id", "id"),  # a driver's own bids, page by page
    Index("ix_bids_due", "expires_at", postgresql_where=text(_LIVE)),
    Index("ix_bids_driver_live", "driver_id", postgresql_where=text(_LIVE)),
    # One live bid a driver and order, one accepted bid an order.
    Index("uq_bids_live", "order_id", "driver_id", unique=True, postgresql_where=text(_LIVE)),
    Index("uq_bids_accepted", "order_id", unique=True, postgresql_where=text("status = 'accepted'")),
    CheckConstraint(
        "status IN ('live', 'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'outdated', 'lost')",
        name="status",
    ),
    CheckConstraint("amount > 0 AND counter_amount > 0", name="amount"),
    CheckConstraint("status <> 'countered' OR counter_amount IS NOT NULL", name="countered"),
)

bid_versions = Table(
    "bid_versions",
    metadata,
    Column("bid_id", BigInteger, ForeignKey("bids.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("side", String(8), nullable=False),  # driver | shipper: whose word this is
    Column("amount", BigInteger, nullable=False),
    Column("message", String(500), nullable=False, server_default=""),
    at("eta_at", nullable=True),
    at("available_from", nullable=True),
    at("expires_at"),
    Column("actor_id", BigInteger, nullable=False),
    at("at", now=True),
    PrimaryKeyConstraint("bid_id", "version"),
    CheckConstraint("side IN ('driver', 'shipper')", name="side"),
)

# Whom a shipper has asked by name. A phone or code is looked up by a loop, after the answer: whoever it belongs
# to, if anybody, the request did the same work and said the same (control C08).
order_invitations = Table(
    "order_invitations",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("offer_id", "offers.id", nullable=True, unique=True),
    Column("phone", String(16)),  # E.164
    Column("code", String(8)),  # driver_codes.code
    Column("note", String(200), nullable=False, server_default=""),
    ref("invited_by", "users.id"),
    at("created_at", now=True),
    at("expires_at"),
    at("resolved_at", nullable=True),
    at("withdrawn_at", nullable=True),
    Index(None, "order_id", "id"),
    Index("ix_order_invitations_unresolved", "id", postgresql_where=text("resolved_at IS NULL")),
    Index(None, "invited_by", "created_at"),
    CheckConstraint("num_nonnulls(phone, code) <= 1", name="contact"),
    CheckConstraint("resolved_at IS NOT NULL OR num_nonnulls(phone, code, offer_id) > 0", name="resolved"),
)

# What a driver says to a shipper who wants to ask for him: eight letters and digits, not the row's id.
driver_codes = Table(
    "driver_codes",
    metadata,
    Column("driver_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("code", String(8), nullable=False, unique=True),
)

# A pair that does not want to meet: on one side a shipper or a company of shippers, on the other a driver or a
# company of carriers. Either side may put it up; it hides the loads whoever did (storage.visibility). No foreign
# keys: whoever blocks an id learns nothing of whether anybody has it.
blocks = Table(
    "blocks",
    metadata,
    id_column(),
    Column("made_by", String(8), nullable=False),  # shipper | carrier: which side may take it down
    Column("shipper_id", BigInteger),
    Column("company_id", BigInteger),  # of shippers
    Column("driver_id", BigInteger),
    Column("carrier_id", BigInteger),  # a company of carriers
    Column("note", String(200), nullable=False, server_default=""),
    ref("actor_id", "users.id"),
    at("created_at", now=True),
    Index(
        "uq_blocks_pair",
        "made_by",
        "shipper_id",
        "company_id",
        "driver_id",
        "carrier_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_blocks_driver", "driver_id", postgresql_where=text("driver_id IS NOT NULL")),
    Index("ix_blocks_carrier", "carrier_id", postgresql_where=text("carrier_id IS NOT NULL")),
    Index("ix_blocks_shipper", "shipper_id", postgresql_where=text("shipper_id IS NOT NULL")),
    Index("ix_blocks_company", "company_id", postgresql_where=text("company_id IS NOT NULL")),
    CheckConstraint("made_by IN ('shipper', 'carrier')", name="made_by"),
    CheckConstraint(
        "num_nonnulls(shipper_id, company_id) = 1 AND num_nonnulls(driver_id, carrier_id) = 1", name="pair"
    ),
)

# How often somebody did something on a day (UTC), for dispatch.sniping.
habits = Table(
    "habits",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "day", "kind"),
)

cooldowns = Table(
    "cooldowns",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("reason", String(24), nullable=False),
    at("until"),
)

# What a person of the staff should look at: one open line a user and kind, counted up.
flags = Table(
    "flags",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("kind", String(24), nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    at("first_at", now=True),
    at("last_at", now=True),
    at("cleared_at", nullable=True),
    ref("cleared_by", "users.id", nullable=True),
    Column("note", String(200), nullable=False, server_default=""),
    Index("uq_flags_open", "user_id", "kind", unique=True, postgresql_where=text("cleared_at IS NULL")),
    Index("ix_flags_last", text("last_at DESC"), postgresql_where=text("cleared_at IS NULL")),
)

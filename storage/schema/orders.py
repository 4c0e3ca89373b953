"""Orders, their events, offers and who won."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from .columns import at, id_column, metadata, ref

orders = Table(
    "orders",
    metadata,
    id_column(),
    ref("shipper_id", "users.id"),
    Column("status", String(16), nullable=False),
    Column("seq", Integer, nullable=False, server_default="0"),  # of the last event
    Column("company_id", BigInteger),
    # A draft may lack all of this: what it has so far stands in `draft`, as its shipper sent it.
    Column("draft", JSONB),
    Column("pickup_city", BigInteger),
    Column("pickup_name", String(120)),
    # Of both ends what everybody may see: a town, or the middle of a cell around the address.
    Column("pickup_point", Geometry("POINT", 4326, spatial_index=False)),
    Column("drop_city", BigInteger),
    Column("drop_name", String(120)),
    Column("drop_point", Geometry("POINT", 4326, spatial_index=False)),
    # Windows of the first pickup and the last drop, for searching; every stop with its details is in `stops`.
    at("pickup_from", nullable=True),
    at("pickup_to", nullable=True),
    at("drop_from", nullable=True),
    at("drop_to", nullable=True),
    Column("stops", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("cargo", String(200)),
    Column("kind", String(24), nullable=False, server_default="general"),
    Column("weight_kg", Float),
    Column("volume_m3", Float),
    Column("body", String(16)),
    Column("other_bodies", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("pieces", Integer),
    Column("length_m", Float),
    Column("width_m", Float),
    Column("height_m", Float),
    Column("sides", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("temp_min_c", Float),
    Column("temp_max_c", Float),
    Column("adr", String(4)),
    Column("documents", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("distance_m", Float),
    Column("duration_s", Float),
    Column("distance_origin", String(16)),  # embedded | great-circle | a route provider
    Column("pricing", String(12), nullable=False, server_default="fixed"),
    Column("price_amount", BigInteger),  # minor units
    Column("price_currency", String(3)),
    Column("payment_method", String(12), nullable=False, server_default="transfer"),
    Column("payment_when", String(12), nullable=False, server_default="on_delivery"),
    Column("payment_days", SmallInteger, nullable=False, server_default="0"),
    Column("prepay_percent", SmallInteger, nullable=False, server_default="0"),
    Column("vat", Boolean, nullable=False, server_default=text("false")),
    Column("comment", String(1000), nullable=False, server_default=""),
    Column("private", Boolean, nullable=False, server_default=text("false")),
    Column("hidden_from", ARRAY(BigInteger), nullable=False, server_default=text("'{}'::bigint[]")),
    Column("version", Integer, nullable=False, server_default="1"),
    # Bidders are told whether a lower bid is live; sealed otherwise.
    Column("open_bids", Boolean, nullable=False, server_default=text("false")),
    at("created_at", now=True),
    at("expires_at", nullable=True),
    at("confirm_by", nullable=True),  # leaves the board then, unless confirmed again
    Column("confirm_s", Integer),  # how long a confirmation is good for; null: until the expiry
    at("check_at", nullable=True),  # when to remind of confirming, then when to take it off the board
    # Offers declined before this version do not count any more: the price has risen or the way is another.
    Column("fresh_version", Integer, nullable=False, server_default="1"),
    Column("ack_due", Integer),  # the version whose times the assigned driver has not agreed to yet
    at("saved_at", nullable=True),  # of a draft
    at("ended_at", nullable=True),
    # While its payment is open: the clock closes it as if it had been delivered then.
    at("settle_at", nullable=True),
    # The search: which wave was sent last, when to look again (null: not seeking), since when on the board.
    Column("wave", SmallInteger, nullable=False, server_default="0"),
    at("seek_at", nullable=True),
    at("board_at", nullable=True),
    # For the board (storage/schema/board.py): the H3 cell of the pickup, and the last version that was matched
    # against the saved searches.
    Column("pickup_cell", BigInteger),
    Column("matched_version", Integer, nullable=False, server_default="0"),
    # The driver holds the exact position back from the shipper's side (storage/sharing/pauses.py): here, so that
    # whoever reads the order knows it.
    at("unshared_at", nullable=True),
    at("unshared_until", nullable=True),
    Column("unshared_cell", BigInteger),
    Column("unshared_city", BigInteger),
    Index(None, "shipper_id", "id"),
    Index("ix_orders_created_at", "created_at", postgresql_using="brin"),  # of reports over a span of time
    Index("ix_orders_seek", "seek_at", postgresql_where=text("seek_at IS NOT NULL")),
    Index(
        "ix_orders_expiry", "expires_at", postgresql_where=text("status = 'open' OR status = 'moderation'")
    ),
    Index("ix_orders_drafts", "shipper_id", "id", postgresql_where=text("status = 'draft'")),
    Index("ix_orders_company", "company_id", "id", postgresql_where=text("company_id IS NOT NULL")),
    Index("ix_orders_check", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    Index(
        "ix_orders_delivered",
        text("greatest(ended_at, settle_at)"),
        postgresql_where=text("status = 'delivered'"),
    ),
    Index("ix_orders_unshared", "unshared_until", postgresql_where=text("unshared_until IS NOT NULL")),
    # Loads that look the same as one that is being posted.
    Index(
        "ix_orders_alike",
        "pickup_city",
        "drop_city",
        "body",
        "weight_kg",
        postgresql_where=text("status = 'open' OR status = 'moderation'"),
    ),
    # What hauls between two towns were agreed at lately.
    Index(
        "ix_orders_lane",
        "pickup_city",
        "drop_city",
        "ended_at",
        postgresql_where=text("status IN ('delivered', 'closed')"),
    ),
    CheckConstraint("weight_kg > 0 AND volume_m3 >= 0", name="size"),
    CheckConstraint("pricing IN ('fixed', 'negotiable', 'bids')", name="pricing"),
    CheckConstraint("prepay_percent BETWEEN 0 AND 100", name="prepay"),
    CheckConstraint(
        "status IN ('draft', 'cancelled') OR num_nulls(pickup_city, pickup_name, pickup_point, drop_city,"
        " drop_name, drop_point, cargo, weight_kg, volume_m3, body, distance_m, duration_s, distance_origin,"
        " price_amount, price_currency, expires_at) = 0",
        name="complete",
    ),
)

# What each edit of a published order changed it into; version 1 is the order as first published.
order_versions = Table(
    "order_versions",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("actor_id", BigInteger),
    at("at", now=True),
    PrimaryKeyConstraint("order_id", "version"),
)

# Loads that a shipper posts again and again, as the form that posts them.
order_templates = Table(
    "order_templates",
    metadata,
    id_column(),
    ref("shipper_id", "users.id"),
    Column("company_id", BigInteger),
    Column("name", String(80), nullable=False),
    Column("content", JSONB, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("uses", Integer, nullable=False, server_default="0"),
    at("created_at", now=True),
    at("used_at", nullable=True),
    Index(None, "shipper_id", "id"),
    Index("ix_order_templates_company", "company_id", "id", postgresql_where=text("company_id IS NOT NULL")),
)

# A load that somebody should look at. Undecided: at most one a load. A held load that was turned down stays in
# moderation until its shipper edits it, appeals once, or calls it off.
moderation_cases = Table(
    "moderation_cases",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("shipper_id", "users.id"),
    Column("kind", String(8), nullable=False),  # held | flag | appeal
    Column("state", String(8), nullable=False, server_default="waiting"),
    Column("grounds", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("alike", BigInteger),  # the order that looks the same
    Column("appeal", String(1000), nullable=False, server_default=""),
    at("created_at", now=True),
    at("due_at"),
    Column("claimed_by", BigInteger),
    at("claimed_at", nullable=True),
    Column("decided_by", BigInteger),
    at("decided_at", nullable=True),
    Column("reasons", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("note", String(1000), nullable=False, server_default=""),
    Index(None, "order_id", "id"),
    Index("ix_moderation_cases_waiting", "id", postgresql_where=text("state = 'waiting'")),
    Index(
        "ix_moderation_cases_rejected",
        "shipper_id",
        "decided_at",
        postgresql_where=text("state = 'rejected'"),
    ),
    Index("uq_moderation_cases_waiting", "order_id", unique=True, postgresql_where=text("state = 'waiting'")),
    CheckConstraint("kind IN ('held', 'flag', 'appeal')", name="kind"),
    CheckConstraint("state IN ('waiting', 'approved', 'rejected', 'dropped')", name="state"),
)

# Photos and papers: a file is of one order only.
order_files = Table(
    "order_files",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("file_id", "files.id", unique=True),
    ref("added_by", "users.id"),
    Column("kind", String(8), nullable=False),  # photo | paper
    Column("title", String(120), nullable=False, server_default=""),
    Column("public", Boolean, nullable=False, server_default=text("false")),
    at("created_at", now=True),
    Index(None, "order_id", "id"),
    CheckConstraint("kind IN ('photo', 'paper')", name="kind"),
    CheckConstraint("NOT public OR kind = 'photo'", name="public"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("actor_id", BigInteger),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    at("at", now=True),
    PrimaryKeyConstraint("order_id", "seq"),
)

offers = Table(
    "offers",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("driver_id", "users.id"),
    # live | accepted | lost | declined | expired | withdrawn
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),  # of the order that was offered
    Column("kind", String(12), nullable=False, server_default="wave"),  # dispatch.model.OfferKind
    Column("wave", SmallInteger, nullable=False),
    Column("deadhead_m", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", JSONB, nullable=False),  # the ranking, term by term
    at("made_at", now=True),
    at("seen_at", nullable=True),
    at("expires_at"),
    at("ended_at", nullable=True),
    Column("decline_reason", String(24)),
    Column("decline_note", String(200), nullable=False, server_default=""),
    Index(None, "order_id"),
    Index(None, "driver_id", "id"),  # a driver's own offers, page by page
    Index("ix_offers_made_at", "made_at", postgresql_using="brin"),
    Index("ix_offers_due", "expires_at", postgresql_where=text("status = 'live'")),
    Index("ix_offers_driver_live", "driver_id", postgresql_where=text("status = 'live'")),
    # Never two live offers of one load to one driver, never two accepted offers of one load.
    Index(
        "uq_offers_live",
        "order_id",
        "driver_id",
        unique=True,
        postgresql_where=text("status = 'live'"),
    ),
    Index("uq_offers_accepted", "order_id", unique=True, postgresql_where=text("status = 'accepted'")),
)

assignments = Table(
    "assignments",
    metadata,
    # The primary key is the promise: one winner in the whole history of an order.
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    ref("driver_id", "users.id"),
    ref("vehicle_id", "vehicles.id"),
    ref("offer_id", "offers.id"),
    ref("bid_id", "bids.id", nullable=True),
    ref("acted_by", "users.id", nullable=True),  # who took it or picked the driver; null in older rows
    Column("slot", SmallInteger, nullable=False, server_default="0"),
    at("assigned_at", now=True),
    at("ended_at", nullable=True),
    # Two hands: the load being carried and, once that one is at its drop, the next (ADR 0010).
    Index(
        "uq_assignments_driver", "driver_id", "slot", unique=True, postgresql_where=text("ended_at IS NULL")
    ),
    CheckConstraint("slot IN (0, 1)", name="slot"),
    Index(None, "driver_id", "order_id"),  # a driver's own orders, page by page
    Index("ix_assignments_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
)

# The answer to each accept, kept so that a retry gets the same one.
accepts = Table(
    "accepts",
    metadata,
    Column("accept_id", UUID(as_uuid=True), primary_key=True),
    Column("driver_id", BigInteger, nullable=False),
    Column("offer_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("bid_id", BigInteger),  # a bid that was picked, or whose counter-offer was accepted
    Column("actor_id", BigInteger),  # who asked; null in older rows: the driver
    Column("outcome", String(32), nullable=False),  # won, or the error code
    at("at", now=True),
)

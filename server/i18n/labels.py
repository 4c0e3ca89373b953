"""What people call the words of the contract: one English label a word, by vocabulary.

A vocabulary is named as the contract names it: a Literal of `server.protocol.rest`, a StrEnum of `dispatch` (where
RENAMED gives the name that readers of the API know), or one of the few that are plain strings on the wire. The
name is also the context of the translations, so that a status may be closed in another gender than an offer.
"""

# StrEnums whose own name says too little outside their module.
RENAMED = {"Status": "OrderStatus"}
# Nobody reads these: codes of the catalogue of errors, rights of a grade, and what a phone says of itself.
UNSPOKEN = frozenset({"Outcome", "Right"})
UNSPOKEN_WORDS = frozenset({"webpush", "fid", "token"})

LABELS: dict[str, dict[str, str]] = {
    "Lang": {"ru": "Russian", "kk": "Kazakh", "en": "English", "zh": "Chinese"},
    "Role": {"driver": "Driver", "logistician": "Logistician", "shipper": "Shipper", "admin": "Staff"},
    "Grade": {
        "support": "Support",
        "moderator": "Moderator",
        "finance": "Finance",
        "superadmin": "Chief administrator",
    },
    "Actor": {
        "shipper": "Shipper",
        "driver": "Driver",
        "logistician": "Logistician",
        "admin": "Staff",
        "system": "System",
    },
    "Body": {
        "tent": "Curtain-sider",
        "reefer": "Refrigerated",
        "isotherm": "Insulated",
        "flatbed": "Flatbed",
        "container": "Container carrier",
        "tipper": "Tipper",
        "tank": "Tank",
        "lowboy": "Low loader",
        "van": "Box van",
    },
    "OrderStatus": {
        "draft": "Draft",
        "moderation": "In review",
        "open": "Seeking a truck",
        "assigned": "Driver assigned",
        "at_pickup": "At the pickup",
        "loaded": "Loaded",
        "in_transit": "In transit",
        "at_drop": "At the drop",
        "delivered": "Delivered",
        "closed": "Closed",
        "cancelled": "Cancelled",
        "expired": "Expired",
        "disputed": "Disputed",
    },
    "OfferStatus": {
        "live": "Live",
        "accepted": "Accepted",
        "lost": "Taken by another driver",
        "declined": "Declined",
        "expired": "Expired",
        "withdrawn": "Withdrawn",
    },
    "OfferKind": {"wave": "Near you", "invitation": "Invitation", "board": "Load board", "bid": "Bid"},
    "Pricing": {"fixed": "Fixed price", "negotiable": "Negotiable price", "bids": "By bids"},
    # `reason` of offer.closed
    "OfferEnd": {
        "taken": "Taken by another driver",
        "expired": "Expired",
        "withdrawn": "Withdrawn",
        "declined": "Declined",
    },
    # Why a load is offered to this driver: the terms of the ranking.
    "OfferReason": {
        "deadhead": "Near to the pickup",
        "freshness": "Fresh position",
        "body": "Suitable body",
        "capacity": "Right size of truck",
        "rating": "Good rating",
        "idle": "Long without offers",
        "board": "Taken from the board",
    },
    # Lines of an order's history that are no status.
    "OrderEvent": {"placed": "Order posted", "boarded": "Open on the board"},
    # Why a point is acknowledged and yet kept out of history.
    "Rejection": {"future": "From the future", "too_old": "Too old"},
    # What a field of a body may hold.
    "JsonType": {
        "int": "a whole number",
        "float": "a number",
        "str": "a text",
        "bool": "true or false",
        "array": "a list",
        "object": "an object",
        "null": "nothing",
        "bytes": "bytes",
    },
    # Where a distance is from.
    "RouteOrigin": {"embedded": "Built-in road graph", "great-circle": "Straight-line estimate"},
}

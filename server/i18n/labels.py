"""What people call the words of the contract: one English label a word, by vocabulary.

A vocabulary is named as the contract names it: a Literal of `server.protocol.rest`, a StrEnum of `dispatch` (where
RENAMED gives the name that readers of the API know), or one of the few that are plain strings on the wire. The
name is also the context of the translations, so that a status may be closed in another gender than an offer.
"""

# StrEnums whose own name says too little outside their module.
RENAMED = {"Status": "OrderStatus", "Flag": "FlagKind"}
# Nobody reads these: codes of the catalogue of errors, rights of a grade, steps of a machine, words of a phone or
# of a page.
UNSPOKEN = frozenset({"Act", "Habit", "Outcome", "Right"})
UNSPOKEN_WORDS = frozenset({"webpush", "fid", "token", "sign_in", "link", "others", "all"})

LABELS: dict[str, dict[str, str]] = {
    "Lang": {"ru": "Russian", "kk": "Kazakh", "en": "English", "zh": "Chinese"},
    "Role": {"driver": "Driver", "logistician": "Logistician", "shipper": "Shipper", "admin": "Staff"},
    "Grade": {
        "support": "Support",
        "moderator": "Moderator",
        "finance": "Finance",
        "superadmin": "Chief administrator",
    },
    "Provider": {"google": "Google", "apple": "Apple"},
    "Actor": {
        "shipper": "Shipper",
        "driver": "Driver",
        "logistician": "Logistician",
        "admin": "Staff",
        "system": "System",
    },
    "Precision": {
        "house": "Exact address",
        "street": "Street",
        "place": "Place",
        "town": "Town",
        "region": "Region",
        "estimate": "Estimate",
    },
    "PlaceKind": {
        "city": "City",
        "crossing": "Border crossing",
        "address": "Address",
        "pin": "Pin on the map",
    },
    "CrossingKind": {"multilateral": "International", "bilateral": "For the two states only"},
    # Where a figure comes from: plain strings, as vendors come and go.
    "FigureOrigin": {
        "embedded": "Built-in road table",
        "great-circle": "Straight line, estimate",
        "valhalla": "Router Valhalla",
        "osrm": "Router OSRM",
        "google": "Google's maps",
        "google-legacy": "Google's maps",
        "gazetteer": "Built-in gazetteer",
        "nominatim": "Addresses of OpenStreetMap",
        "staff": "Set by our staff",
        "default": "Assumed",
        "assumed": "Assumed",
        "vehicle": "As the vehicle's owner says",
        "tariff": "Our tariff",
        "lane": "Finished hauls on this lane",
        "carec-2022": "CAREC, mean of 2022",
        "carec-kz-mean": "CAREC, mean of Kazakhstan",
        "carec-region-mean": "CAREC, mean of the region",
        "aetr": "Driving and rest by AETR",
        "kazavtozhol-2026": "Tariff of KazAvtoZhol for 2026",
        "kazavtozhol-2026-assumed-km": "Tariff of KazAvtoZhol for 2026, lengths partly assumed",
        "none": "None",
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
        "invited": "Asked by the shipper",
        "bid": "Price agreed",
    },
    # `reason` of a bid that was lost or taken back by another deed
    "BidEnd": {
        "taken": "The load went to somebody else",
        "cancelled": "The order was cancelled",
        "expired": "The order has expired",
        "busy": "The driver has taken another load",
    },
    "FlagKind": {
        "fast_accepts": "Accepts faster than a person reads",
        "many_wins": "More loads than anybody carries",
        "many_cancels": "Takes loads and calls them off",
        "only_declines": "Only ever declines",
        "board_scraped": "Reads the whole board",
        "candidates_scraped": "Reads the lists of drivers",
    },
    # What an API key may do.
    "Scope": {
        "orders:read": "Read orders",
        "orders:write": "Post and change orders",
        "places:read": "Look up places",
    },
    # Why a webhook is switched off.
    "WebhookEnd": {
        "failing": "It took no events for a day",
        "gone": "It said that it is gone",
        "owner": "By its owner",
    },
    "DeliveryState": {
        "due": "To be sent",
        "delivered": "Delivered",
        "dead": "Given up",
        "cancelled": "Called off",
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
}

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
    "Side": {"rear": "From the rear", "side": "From the side", "top": "From above", "full": "From all sides"},
    "AdrClass": {
        "1": "1 Explosives",
        "2.1": "2.1 Flammable gases",
        "2.2": "2.2 Other gases",
        "2.3": "2.3 Toxic gases",
        "3": "3 Flammable liquids",
        "4.1": "4.1 Flammable solids",
        "4.2": "4.2 Substances that ignite by themselves",
        "4.3": "4.3 Substances that react with water",
        "5.1": "5.1 Oxidizing substances",
        "5.2": "5.2 Organic peroxides",
        "6.1": "6.1 Toxic substances",
        "6.2": "6.2 Infectious substances",
        "7": "7 Radioactive material",
        "8": "8 Corrosive substances",
        "9": "9 Other dangerous substances",
    },
    "CompanyState": {
        "unverified": "Not verified",
        "pending": "Being verified",
        "verified": "Verified",
        "rejected": "Verification refused",
    },
    "CompanyReason": {
        "bin_not_found": "The business number is not in the register",
        "name_mismatch": "Name and number do not belong together",
        "documents_missing": "Papers are missing",
        "suspicious": "Doubts about the company",
        "other": "Another reason",
    },
    "Joins": {"owner": "Owner", "manager": "Manager", "driver": "Driver"},
    "MemberRole": {"owner": "Owner", "manager": "Manager"},
    "DocumentKind": {
        "driver_licence": "Driving licence",
        "adr_driver": "ADR driver certificate",
        "medical": "Medical certificate",
        "vehicle_registration": "Vehicle registration",
        "trailer_registration": "Trailer registration",
        "insurance": "Motor insurance",
        "inspection": "Roadworthiness certificate",
        "adr_vehicle": "ADR vehicle certificate",
        "tir_approval": "TIR approval of the vehicle",
        "tir_carnet": "TIR carnet",
        "cargo_insurance": "Cargo insurance",
        "company_registration": "Company registration",
        "vat_certificate": "VAT certificate",
        "transport_licence": "Transport licence",
        "power_of_attorney": "Power of attorney",
        "other": "Other paper",
    },
    "DocumentState": {"pending": "Being checked", "approved": "Approved", "rejected": "Rejected"},
    "DocumentReason": {
        "unreadable": "Not readable",
        "wrong_kind": "Not the paper that it is said to be",
        "expired": "Expired",
        "belongs_to_other": "Of somebody else",
        "data_mismatch": "Does not match the account",
        "other": "Another reason",
    },
    "ExportState": {
        "due": "Waiting",
        "running": "Being prepared",
        "ready": "Ready",
        "failed": "Failed",
        "expired": "Deleted",
    },
}

"""What stands in the columns of each report: a key for programs, a heading for people, and the unit."""

from server.i18n import Lang, say
from server.sheets import Column
from server.sheets.table import Kind
from storage.reports.store import Report

# (key, kind) in the order of the statements of storage.reports.
COLUMNS: dict[Report, tuple[tuple[str, Kind], ...]] = {
    "orders_by_status": (("status", "text"), ("orders", "int"), ("amount", "money"), ("metres", "metres")),
    "corridors": (
        ("pickup", "text"), ("drop", "text"), ("orders", "int"), ("delivered", "int"), ("mean_metres", "metres"),
        ("amount_per_km", "money"), ("median_accept_s", "seconds"),
    ),
    "time_to_accept": (
        ("day", "text"), ("orders", "int"), ("taken", "int"), ("share", "share"), ("median_accept_s", "seconds"),
        ("p90_accept_s", "seconds"),
    ),
    "offer_funnel": (
        ("kind", "text"), ("made", "int"), ("seen", "int"), ("accepted", "int"), ("declined", "int"),
        ("expired", "int"), ("lost", "int"), ("withdrawn", "int"), ("share", "share"),
    ),
    "empty_runs": (
        ("day", "text"), ("trips", "int"), ("metres", "metres"), ("empty_metres", "metres"), ("share", "share"),
    ),
    "drivers_online": (
        ("hour", "text"), ("drivers_mean", "number"), ("drivers_most", "int"), ("busy_mean", "number"),
        ("shippers_mean", "number"),
    ),
    "retention": (
        ("month", "text"), ("role", "text"), ("people", "int"), ("month_0", "share"), ("month_1", "share"),
        ("month_2", "share"), ("month_3", "share"), ("month_6", "share"),
    ),
}  # fmt: skip
# Words of the contract among the values: (report, key) to their vocabulary.
VOCABULARIES: dict[tuple[Report, str], str] = {
    ("orders_by_status", "status"): "OrderStatus",
    ("offer_funnel", "kind"): "OfferKind",
    ("retention", "role"): "Role",
}


def columns(report: Report, lang: Lang) -> list[Column]:
    """The columns with their headings in this language."""
    titles = _titles(lang)
    return [Column(titles[key], kind) for key, kind in COLUMNS[report]]


def _titles(lang: Lang) -> dict[str, str]:
    return {
        "status": say(lang, "State"),
        "orders": say(lang, "Orders"),
        "amount": say(lang, "Amount"),
        "metres": say(lang, "Distance, km"),
        "pickup": say(lang, "From where"),
        "drop": say(lang, "To where"),
        "delivered": say(lang, "Delivered"),
        "mean_metres": say(lang, "Mean distance, km"),
        "amount_per_km": say(lang, "Price a km"),
        "median_accept_s": say(lang, "Median time until taken, h"),
        "p90_accept_s": say(lang, "Nine of ten taken within, h"),
        "day": say(lang, "Day"),
        "taken": say(lang, "Taken"),
        "share": say(lang, "Share"),
        "kind": say(lang, "Kind"),
        "made": say(lang, "Made"),
        "seen": say(lang, "Seen"),
        "accepted": say(lang, "Accepted"),
        "declined": say(lang, "Declined"),
        "expired": say(lang, "Expired"),
        "lost": say(lang, "Went to others"),
        "withdrawn": say(lang, "Withdrawn"),
        "trips": say(lang, "Trips"),
        "empty_metres": say(lang, "Empty, km"),
        "hour": say(lang, "Hour"),
        "drivers_mean": say(lang, "Drivers, mean"),
        "drivers_most": say(lang, "Drivers, most"),
        "busy_mean": say(lang, "Of them with a load, mean"),
        "shippers_mean": say(lang, "Shippers, mean"),
        "month": say(lang, "Month of signing up"),
        "role": say(lang, "Role"),
        "people": say(lang, "People"),
        "month_0": say(lang, "Active in that month"),
        "month_1": say(lang, "A month later"),
        "month_2": say(lang, "Two months later"),
        "month_3": say(lang, "Three months later"),
        "month_6": say(lang, "Six months later"),
    }

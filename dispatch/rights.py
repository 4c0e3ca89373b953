"""Who of the staff may do what: the one table. Users' own rights follow from what is theirs."""

from enum import StrEnum


class Grade(StrEnum):
    """The kinds of staff. A superadmin may do everything."""

    SUPPORT = "support"  # talks to people: finds accounts, sees phones and trucks, mends orders
    MODERATOR = "moderator"  # judges what people publish: loads, documents
    FINANCE = "finance"  # subscriptions, payments, refunds
    SUPERADMIN = "superadmin"  # appoints the others


class Right(StrEnum):
    """What staff do beyond looking at the map and the orders, which all of them may."""

    SEE_PHONES = "see_phones"
    FIND_USERS = "find_users"
    MANAGE_USERS = "manage_users"  # role, grade, block, second factor: superadmin alone
    EXPORT_USERS = "export_users"  # other people's data, as a file
    MEND_ORDERS = "mend_orders"  # cancel, close, settle a dispute
    MODERATE_ORDERS = "moderate_orders"
    MODERATE_REVIEWS = "moderate_reviews"  # hide what people say of each other, or let it stand
    SEE_DOCUMENTS = "see_documents"
    JUDGE_DOCUMENTS = "judge_documents"
    SEE_MONEY = "see_money"
    MOVE_MONEY = "move_money"
    SET_SUBSCRIPTIONS = "set_subscriptions"
    SEE_STAFF_ACTIONS = "see_staff_actions"
    VIEW_AS_USER = "view_as_user"  # the product as a user sees it, reading only
    WATCH_HABITS = "watch_habits"  # flags of sniping and scraping, and the pauses that came of them
    SET_FUEL_PRICES = "set_fuel_prices"
    SEE_REPORTS = "see_reports"
    REPLAY_TRACKS = "replay_tracks"  # where a driver was, any day; each look is written down
    READ_CHATS = "read_chats"  # what the parties of an order write to each other; each look is written down
    SEE_DELIVERIES = "see_deliveries"  # what users were told, and how it went; each look is written down
    SET_TARIFFS = "set_tariffs"
    SET_LOYALTY = "set_loyalty"  # what bringing others and being rated well is worth
    JUDGE_REFERRALS = "judge_referrals"  # whether somebody who was brought is somebody new
    EDIT_CONTENT = "edit_content"  # pages and announcements
    EDIT_WORDS = "edit_words"  # which words of a load are offered, and in which order
    BROADCAST = "broadcast"  # pushes of own words


def _for(*grades: Grade) -> frozenset[Grade]:
    return frozenset(grades) | {Grade.SUPERADMIN}


RIGHTS: dict[Right, frozenset[Grade]] = {
    Right.SEE_PHONES: _for(Grade.SUPPORT),
    Right.FIND_USERS: _for(Grade.SUPPORT, Grade.FINANCE),
    Right.MANAGE_USERS: _for(),
    Right.EXPORT_USERS: _for(),
    Right.MEND_ORDERS: _for(Grade.SUPPORT),
    Right.MODERATE_ORDERS: _for(Grade.MODERATOR),
    Right.MODERATE_REVIEWS: _for(Grade.MODERATOR),
    Right.SEE_DOCUMENTS: _for(Grade.SUPPORT, Grade.MODERATOR),
    Right.JUDGE_DOCUMENTS: _for(Grade.MODERATOR),
    Right.SEE_MONEY: _for(Grade.SUPPORT, Grade.FINANCE),
    Right.MOVE_MONEY: _for(Grade.FINANCE),
    Right.SET_SUBSCRIPTIONS: _for(Grade.FINANCE),
    Right.SEE_STAFF_ACTIONS: _for(),
    Right.VIEW_AS_USER: _for(Grade.SUPPORT),
    Right.WATCH_HABITS: _for(Grade.SUPPORT, Grade.MODERATOR),
    Right.SET_FUEL_PRICES: _for(Grade.FINANCE),
    Right.SEE_REPORTS: _for(Grade.SUPPORT, Grade.MODERATOR, Grade.FINANCE),
    Right.REPLAY_TRACKS: _for(Grade.SUPPORT),
    Right.READ_CHATS: _for(Grade.SUPPORT, Grade.MODERATOR),
    Right.SEE_DELIVERIES: _for(Grade.SUPPORT),
    Right.SET_TARIFFS: _for(Grade.FINANCE),
    Right.SET_LOYALTY: _for(Grade.FINANCE),
    Right.JUDGE_REFERRALS: _for(Grade.MODERATOR, Grade.FINANCE),
    Right.EDIT_CONTENT: _for(Grade.SUPPORT, Grade.MODERATOR),
    Right.EDIT_WORDS: _for(Grade.MODERATOR),
    Right.BROADCAST: _for(Grade.SUPPORT),
}


def grades(right: Right) -> frozenset[str]:
    """The grades that hold a right, as a route's `grades` takes them."""
    return frozenset(grade.value for grade in RIGHTS[right])


def may(grade: str | None, right: Right) -> bool:
    """Whether staff of this grade hold the right; nobody without a grade does."""
    return grade is not None and grade in RIGHTS[right]

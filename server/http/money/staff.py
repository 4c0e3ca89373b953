"""What the routes of money have in common."""

from dispatch.rights import Right, grades

AREA = "money"
STAFF = frozenset({"admin"})
SEE = grades(Right.SEE_MONEY)
MOVE = grades(Right.MOVE_MONEY)

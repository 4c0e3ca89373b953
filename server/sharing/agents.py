"""Which kind of browser looks: a word of a short list, so that a log says no more of a stranger than it must."""

# The first that is named wins: most browsers also claim to be the ones before them in history.
_FAMILIES = (
    ("telegrambot", "telegram"),
    ("whatsapp", "whatsapp"),
    ("bot", "bot"),
    ("yabrowser", "yandex"),
    ("edg", "edge"),
    ("opr/", "opera"),
    ("samsungbrowser", "samsung"),
    ("firefox", "firefox"),
    ("fxios", "firefox"),
    ("chrome", "chrome"),
    ("crios", "chrome"),
    ("safari", "safari"),
)
OTHER = "other"


def family(user_agent: str) -> str:
    """The kind of browser."""
    text = user_agent[:400].lower()
    return next((name for mark, name in _FAMILIES if mark in text), OTHER)

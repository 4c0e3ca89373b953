"""What a User-Agent header says to its owner: the browser or app, and what it runs on. A guess."""

# In the order of asking: each of these also claims to be the ones after it.
PROGRAMS = (
    ("TrackingDesk", "Tracking Desk"),
    ("EdgA/", "Edge"),
    ("Edg/", "Edge"),
    ("YaBrowser/", "Yandex Browser"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("MicroMessenger/", "WeChat"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("tracking-desk-client", "Tracking Desk SDK"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def described(user_agent: str) -> str:
    """`Chrome, Android`; the beginning of the header when nothing of it is known."""
    found = [next((name for mark, name in table if mark in user_agent), "") for table in (PROGRAMS, SYSTEMS)]
    return ", ".join(filter(None, found)) or user_agent.split(" ")[0][:40]

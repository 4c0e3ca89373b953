"""What a person is shown of the program that signed in."""

import pytest

from server.programs import described

ANDROID = "Mozilla/5.0 (Linux; Android 15; SM-A556E) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"
)


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (f"{ANDROID} Chrome/143.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        (f"{ANDROID} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", "Samsung Internet, Android"),
        (f"{MAC} Safari/537.36 Edg/143.0.0.0", "Edge, macOS"),
        (f"{MAC} YaBrowser/25.8.0.0 Safari/537.36", "Yandex Browser, macOS"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/26.0 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox, Windows",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 200, "x" * 40),
        ("", ""),
    ],
)
def test_a_header_is_told_as_program_and_system(header: str, shown: str) -> None:
    assert described(header) == shown

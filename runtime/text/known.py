"""The names that a bundle can be asked for as they stand."""

from __future__ import annotations

from runtime.bundle import TEXT_ENCODER_FILE, Bundle, name_key

__all__ = ["known_words"]


def known_words(bundle: Bundle) -> list[str]:
    """Names that can be used as they stand: trained ones, then others that were precomputed."""
    trained = bundle.manifest.trained_words or ()
    names = bundle.vocabulary().names
    usable = [word for word in trained if bundle.has(TEXT_ENCODER_FILE) or word in set(names)]
    return list({name_key(word): word for word in (*names, *usable)}.values())

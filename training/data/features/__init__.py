"""Features of a frozen encoder, computed once and read from disk from then on.

Files are the business of :mod:`store`; a source of pairs gets its features from :mod:`cached`.
"""

from training.data.features.cached import CachedFeatures, FrozenEncoder
from training.data.features.store import FeatureStore

__all__ = ["CachedFeatures", "FeatureStore", "FrozenEncoder"]

"""Emotion heard in a voice: an ``Ear`` loaded once, a ``Listener`` a stream, a ``Mixer`` of weights."""

from .ear import SCORES, Ear, EarCard, Feeling, Listener, load_ear
from .mixer import Mixer, heard, mix

__all__ = ["SCORES", "Ear", "EarCard", "Feeling", "Listener", "Mixer", "heard", "load_ear", "mix"]

"""What else could be used: openSMILE's eGeMAPS and a linear classifier, for comparison only.

openSMILE is free for research alone. Nothing of voxrig needs it; without it, or scikit-learn, the comparison
is left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from voxrig.types import Array
from voxrig_train.emotion.corpus import Clip
from voxrig_train.emotion.network import RATE


def features(clips: Sequence[Clip]) -> Array | None:
    """The 88 functionals of eGeMAPSv02 of every clip (clips, 88), or None where they are not installed."""
    try:
        opensmile: Any = importlib.import_module("opensmile")
        importlib.import_module("sklearn")
    except ImportError:
        return None
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )
    rows = []
    for clip in clips:
        sound = clip.samples / 32768
        sound = sound * 0.05 / (np.sqrt(np.mean(sound**2)) + 1e-9)
        rows.append(smile.process_signal(sound.astype(np.float32), RATE).to_numpy()[0])
    return np.asarray(rows, np.float32)


def said(learn: Array, labels: Sequence[str], check: Array) -> list[str]:
    """What a logistic regression on scaled features says of others."""
    linear: Any = importlib.import_module("sklearn.linear_model")
    scaled: Any = importlib.import_module("sklearn.preprocessing")
    scaler = scaled.StandardScaler().fit(learn)
    model = linear.LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    model.fit(scaler.transform(learn), list(labels))
    return [str(s) for s in model.predict(scaler.transform(check))]

"""A network that moves Gaussians by the motion of the last moments, run by ONNX Runtime."""

from __future__ import annotations

import numpy as np

from voxrig.errors import FormatError, ModelError, one_line
from voxrig.render.splat.gaussians import DELTAS, HISTORY
from voxrig.rigs.native import NATIVE
from voxrig.types import Array


class Listener:
    """Runs the graph of ``Gaussians.listener``."""

    def __init__(self, graph: bytes, count: int) -> None:
        """For ``count`` Gaussians. Raises FormatError for another graph, ModelError without a runtime."""
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(
                "these Gaussians listen; pip install 'voxrig[cpu]' for what runs them"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own kinds share no base
            raise FormatError(f"has a listener that cannot be run: {one_line(str(error)[:120])}") from error
        taken = [(each.name, each.shape) for each in self._session.get_inputs()]
        given = [(each.name, each.shape) for each in self._session.get_outputs()]
        wanted = [("motion", [HISTORY, len(NATIVE)])], [("deltas", [count, DELTAS])]
        if (taken, given) != wanted:
            raise FormatError(
                f"has a listener from {taken} to {given}; it must go from {wanted[0]} to {wanted[1]}"
            )

    def deltas(self, motion: Array) -> Array:
        """What is added to Gaussians, (n, 13) as in Bases.moves, by motion (8, 110), newest frame last."""
        [told] = self._session.run(None, {"motion": np.ascontiguousarray(motion, np.float32)})
        return np.asarray(told, np.float32)

"""Asking memory for what is needed soon. Needs the extra render.

Gaussians are drawn in an order that is not theirs in memory: without this, half the time goes into waiting.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_READ, _KEEP, _DATA = 0, 3, 1
"""What LLVM's prefetch wants to know: not to write, into all caches, no instructions."""


@intrinsic  # type: ignore[untyped-decorator]
def ask(_typing: Any, array: Any, at: Any) -> Any:
    """Has the line of memory brought in that holds element ``at`` of a contiguous array, counted flat."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        call = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(call, [place, *(ir.Constant(number, flag) for flag in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate

"""Compiles every Triton kernel to machine code for an H100 (compute capability 9.0), which needs no GPU; run by
test_triton.py."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from antipodal.grasping import clearance_triton
from antipodal.networks import crops_triton
from antipodal.planning import mixture_triton

SHARED = 227 * 1024  # bytes of shared memory that one program may have on an H100
KERNELS = {
    crops_triton._network_input: {"SIZE": 32, "TILE": crops_triton.TILE},
    crops_triton._stem: {"SIZE": 32, "K": 4, "PATCHES": 8, "CHANNELS": 64},
    clearance_triton._widest_opening_kernel: {
        **{"OPENINGS": 3, "FIXED": True, "J": 56, "B": 147, "P": 171},
        **{"JP": 64, "BP": 256, "PP": 256},
    },
    mixture_triton._fit_kernel: {"STEPS": 5, "K": 5, "KP": 8, "D": 6, "DP": mixture_triton.PADDED, "N": 128},
}
WHOLE = ("H", "W", "n")
ARRAYS = (
    "depth",
    "obstacles",
    "palm_obstacles",
    "fixed",
    "frame",
    "table",
    "center",
    "angle",
    "weight",
    "weights",
    "bias",
    "out",
    "results",
)
ARRAYS += ("widths", "points", "jaws", "between", "palm", "out_weights", "out_means", "out_factors")


def compile_kernel(kernel, constants):
    signature = {n: "*fp32" if n in ARRAYS else "i32" if n in WHOLE else "fp32" for n in kernel.arg_names}
    signature.update({name: "constexpr" for name in constants})
    values = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    return triton.compile(ASTSource(kernel, signature, constexprs=values), target=GPUTarget("cuda", 90, 32))


if __name__ == "__main__":
    for kernel, constants in KERNELS.items():
        compiled = compile_kernel(kernel, constants)
        assert compiled.asm["cubin"] and compiled.metadata.shared <= SHARED, kernel.__name__

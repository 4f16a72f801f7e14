"""Compiles every Triton kernel to machine code for an H100 (compute capability 9.0), which needs no GPU; run by
test_triton.py."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from antipodal.kernels import triton_crop

SHARED = 227 * 1024  # bytes of shared memory that one program may have on an H100
KERNELS = {
    triton_crop._network_input: {"SIZE": 32, "TILE": triton_crop.TILE},
    triton_crop._stem: {"SIZE": 32, "K": 4, "PATCHES": 8, "CHANNELS": 64},
}
TYPES = {"H": "i32", "W": "i32", "step": "fp32", "scale": "fp32", "clip": "fp32"}  # all else are float32 arrays


def compile_kernel(kernel, constants):
    signature = {n: "constexpr" if n in constants else TYPES.get(n, "*fp32") for n in kernel.arg_names}
    values = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    return triton.compile(ASTSource(kernel, signature, constexprs=values), target=GPUTarget("cuda", 90, 32))


if __name__ == "__main__":
    for kernel, constants in KERNELS.items():
        compiled = compile_kernel(kernel, constants)
        assert compiled.asm["cubin"] and compiled.metadata.shared <= SHARED, kernel.__name__

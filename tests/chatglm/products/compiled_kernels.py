"""Compile every Triton kernel for a GPU that need not be there; print what is not as it should be.

A program of its own, because Triton decides at its import whether it interprets. Usage: python -m … CAPABILITY
"""

import sys
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from xiaoan.chatglm.products import triton_kernels as kernels

POINTERS = {
    "words": "*i32",
    "scale": "*fp16",
    "position_ids": "*i64",
    "place": "*i64",
    "part_output": "*fp32",
    "part_largest": "*fp32",
    "part_sum": "*fp32",
}
COUNTS = ("rows", "width", "columns", "batch", "hidden", "heads", "rows_of_part", "mask_stride", "parts")
NUMBERS = ("factor", "eps")
FLAGS = {"has_bias": True, "gelu": True}
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("one_row_kernel", FLAGS | {"bits": b, "block_rows": 32 // b, "block_width": 512}) for b in (8, 4)),
    *(
        ("few_rows_kernel", FLAGS | {"bits": b, "block_batch": n, "block_rows": rows, "block_width": width})
        for b in (8, 4)
        for n, rows, width in ((16, 32, 64), (32, 32, 64), (64, 64, 32))
    ),
    *(("dequantise_kernel", {"bits": b, "block_rows": 4, "block_width": 256}) for b in (8, 4)),
    ("plain_row_kernel", FLAGS | {"block_rows": 4, "block_columns": 1024}),
    ("residual_norm_kernel", {"block": 4096}),
    ("turn_and_store_kernel", {"head_dim": 128}),
    *(("attention_part_kernel", {"has_mask": m, "head_dim": 128, "block": 32}) for m in (True, False)),
    ("attention_join_kernel", {"head_dim": 128, "block_parts": 16}),
]


SHARED_BYTES = {80: 99 * 1024, 90: 227 * 1024}
"""Shared memory of a program: 8.0's kernels run on 8.6 and 8.9 too, which have less than an A100."""


def compiled(name: str, constants: dict[str, Any], precision: str, capability: int) -> Any:
    """Compile one kernel for sizes that are multiples of 16."""
    kernel = getattr(kernels, name)
    signature, attributes = {}, {}
    for i, argument in enumerate(kernel.arg_names):
        if argument in constants:
            signature[argument] = "constexpr"
        elif argument in NUMBERS:
            signature[argument] = "fp32"
        else:
            signature[argument] = "i32" if argument in COUNTS else POINTERS.get(argument, f"*{precision}")
            attributes[(i,)] = [["tt.divisibility", 16]]
    places = {(kernel.arg_names.index(argument),): value for argument, value in constants.items()}
    source = ASTSource(kernel, signature, constexprs=places, attrs=attributes)
    warps = 8 if constants.get("block_batch") == 64 or name == "residual_norm_kernel" else 4
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": warps})


def faults(name: str, constants: dict[str, Any], ptx: str) -> list[str]:
    """Denormal numbers must be kept where bits are taken for a float; weights are read by 16 bytes at once."""
    found = []
    if name == "one_row_kernel" and (".ftz" in ptx or "fma.rn.f32" not in ptx):
        found.append(f"{name} {constants['bits']}: denormals are flushed")
    if name in ("one_row_kernel", "plain_row_kernel") and "ld.global.v4.b32" not in ptx:
        found.append(f"{name}: narrow reads")
    return found


def main() -> None:
    """Compile all; see the module."""
    capability = int(sys.argv[1])
    wrong = []
    for name, constants in CASES:
        for precision in ("fp16", "bf16"):
            made = compiled(name, constants, precision, capability)
            wrong += faults(name, constants, made.asm["ptx"])
            if made.metadata.shared > SHARED_BYTES[capability]:
                wrong.append(f"{name} {constants} {precision}: {made.metadata.shared} bytes of shared memory")
    print("wrong:", wrong)


if __name__ == "__main__":
    main()

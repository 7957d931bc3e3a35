"""The small steps of decoding one token, each a few operators of torch or one Triton kernel.

A token of a 28-layer model passes some 700 small operators, and each costs a GPU about two microseconds even in a
captured graph. Here are the ones between the products: residual and layer norm (one kernel for four operators), rotation
of query and key with the writing of key and value (one for about eight), and attention over the rows in use. `EagerSteps`
is the readable twin, `TritonSteps` the fast one; both read the row of the new token on the device, so a captured step
goes on without the host. Not yet measured on a GPU.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.products.triton_products import (
    WRONG,
    KernelHost,
    blocks,
    failure,
    kernel_errors,
    on_device_of,
    unavailable_reason,
)

BLOCKED_SCORE = -10000.0
"""Added to the score of a row that is not in use; as for other blocked keys."""

ROWS_OF_PART = 128
"""Rows of the cache that one program of the attention looks at while there are few heads to keep a GPU busy."""

ENOUGH_HEADS = 512
"""From so many (sequence, head) pairs on, each gets one program for the whole cache."""


class StepKernels(Protocol):
    """What the decoding of one token of each sequence needs beside products.

    Shapes: `b` sequences, `heads`, `d` numbers a head, `rows` of the cache.
    """

    def residual_norm(
        self, normalised: Tensor, sublayer: Tensor, norm: nn.LayerNorm, factor: float
    ) -> Tensor:
        """Return `norm(normalised * factor + sublayer)`, all `[..., hidden]`."""
        ...

    def turn_and_store(
        self, packed: Tensor, table: Tensor, position_ids: Tensor, place: Tensor, cache: Tensor
    ) -> Tensor:
        """Rotate query and key; write key and value into the cache; return the query.

        Args:
            packed: `[b, heads, 3, d]`: query, key and value of each head.
            table: `[positions, 2, d / 2]`: cosines, and sines that are negative where the partner is subtracted.
            position_ids: int64 `[b, 2, 1]`.
            place: int64 `[1]`, the cache's row of the new token, on its device.
            cache: `[b, heads, 2 (key, value), rows, d]`, contiguous; changed in place.

        Returns:
            `[b, heads, 1, d]`.
        """
        ...

    def attend(self, query: Tensor, cache: Tensor, place: Tensor, mask: Tensor | None) -> Tensor:
        """Return the context `[b, heads, 1, d]` of `query` `[b, heads, 1, d]` over the rows up to `place`.

        `mask`, `[b or 1, 1, 1, rows]`, is added to the scores; it must be finite. Other arguments as above.
        """
        ...


class EagerSteps:
    """`StepKernels` in plain torch, on any device."""

    def residual_norm(
        self, normalised: Tensor, sublayer: Tensor, norm: nn.LayerNorm, factor: float
    ) -> Tensor:
        """See `StepKernels`."""
        return norm(torch.add(sublayer, normalised, alpha=factor))  # type: ignore[no-any-return]

    def turn_and_store(
        self, packed: Tensor, table: Tensor, position_ids: Tensor, place: Tensor, cache: Tensor
    ) -> Tensor:
        """See `StepKernels`."""
        b, heads, _, d = packed.shape
        found = table[position_ids[:, :, 0]].transpose(1, 2).reshape(b, 2, 1, 1, d)
        cos, sin = found[:, 0], found[:, 1]
        halves = packed[:, :, :2].view(b, heads, 2, 2, 2, d // 4)
        partners = halves.flip(-2).reshape(b, heads, 2, d)
        turned = packed[:, :, :2] * cos + partners * sin
        cache.index_copy_(3, place, torch.stack((turned[:, :, 1], packed[:, :, 2]), dim=2)[:, :, :, None])
        return turned[:, :, :1]

    def attend(self, query: Tensor, cache: Tensor, place: Tensor, mask: Tensor | None) -> Tensor:
        """See `StepKernels`."""
        unused = torch.arange(cache.shape[3], device=cache.device) > place
        added = torch.where(unused, BLOCKED_SCORE, 0.0).to(query.dtype)[None, None, None]
        return F.scaled_dot_product_attention(
            query, cache[:, :, 0], cache[:, :, 1], attn_mask=added if mask is None else added + mask
        )


class TritonSteps:
    """`StepKernels` as Triton kernels, which compute in float32 and round once.

    Raises (each method):
        ValueError: a head is no power of two wide, or the cache is not contiguous.
    """

    def residual_norm(
        self, normalised: Tensor, sublayer: Tensor, norm: nn.LayerNorm, factor: float
    ) -> Tensor:
        """See `StepKernels`."""
        from xiaoan.chatglm.products.triton_kernels import residual_norm_kernel

        hidden = normalised.shape[-1]
        out = torch.empty_like(normalised, memory_format=torch.contiguous_format)
        with on_device_of(out):
            residual_norm_kernel[(normalised.numel() // hidden,)](
                *(normalised.contiguous(), sublayer.contiguous(), norm.weight, norm.bias, out),
                *(hidden, factor, norm.eps),
                block=power_of_two(hidden),
                num_warps=8,
            )
        return out

    def turn_and_store(
        self, packed: Tensor, table: Tensor, position_ids: Tensor, place: Tensor, cache: Tensor
    ) -> Tensor:
        """See `StepKernels`."""
        from xiaoan.chatglm.products.triton_kernels import turn_and_store_kernel

        b, heads, _, rows, head_dim = cache.shape
        check_cache(cache)
        query = torch.empty(b, heads, 1, head_dim, dtype=packed.dtype, device=packed.device)
        with on_device_of(packed):
            turn_and_store_kernel[(b * heads,)](
                *(packed.contiguous(), table, position_ids.contiguous(), place, query, cache, heads, rows),
                head_dim=head_dim,
                num_warps=1,
            )
        return query

    def attend(self, query: Tensor, cache: Tensor, place: Tensor, mask: Tensor | None) -> Tensor:
        """See `StepKernels`; with few heads the rows are shared out over the GPU, and the parts joined."""
        from xiaoan.chatglm.products.triton_kernels import attention_join_kernel, attention_part_kernel

        b, heads, _, rows, head_dim = cache.shape
        check_cache(cache)
        parts = 1 if b * heads >= ENOUGH_HEADS else blocks(rows, ROWS_OF_PART)
        outputs = torch.empty(b * heads, parts, head_dim, dtype=torch.float32, device=query.device)
        largest = torch.empty(b * heads, parts, dtype=torch.float32, device=query.device)
        total = torch.empty_like(largest)
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        added = query if mask is None else mask.expand(-1, 1, 1, rows).contiguous()
        mask_stride = 0 if len(added) == 1 else rows
        with on_device_of(query):
            attention_part_kernel[(b * heads, parts)](
                *(query.contiguous(), cache, place, added, outputs, largest, total, heads, rows),
                *(blocks(rows, parts), mask_stride, head_dim**-0.5),
                has_mask=mask is not None,
                head_dim=head_dim,
                block=32,
                num_warps=4,
            )
            attention_join_kernel[(b * heads,)](
                *(outputs, largest, total, out, parts),
                head_dim=head_dim,
                block_parts=power_of_two(parts),
                num_warps=4,
            )
        return out


def check_cache(cache: Tensor) -> None:
    """Refuse what the kernels do not read.

    Raises:
        ValueError: a head is no power of two wide, or `cache` is not contiguous.
    """
    if cache.shape[-1] != power_of_two(cache.shape[-1]):
        raise ValueError(f"a head of {cache.shape[-1]} numbers is no power of two wide")
    if not cache.is_contiguous():
        raise ValueError("the cache must be contiguous")


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is not less than `size`."""
    return 1 << (size - 1).bit_length()


def step_kernels(
    host: KernelHost, device: torch.device, dtype: torch.dtype, *, hidden_size: int, head_dim: int
) -> tuple[StepKernels, str]:
    """Return the small steps for a model on `device`, and why they are not the fast ones ("" where they are).

    The fast ones are tried on the device first, against the others. `host` is `triton_products.this_host(device)`.
    """
    fault = unavailable_reason(host) or ""
    if not fault and head_dim != power_of_two(head_dim):
        fault = f"每个注意力头的宽度要是 2 的幂，这个模型是 {head_dim}"
    fault = fault or trial_fault(TritonSteps(), device, dtype, hidden_size=hidden_size, head_dim=head_dim)
    return (EagerSteps(), fault) if fault else (TritonSteps(), "")


@torch.no_grad()
def trial_fault(
    kernels: StepKernels, device: torch.device, dtype: torch.dtype, *, hidden_size: int, head_dim: int
) -> str:
    """Run each step once on small numbers and compare with `EagerSteps`; return what is wrong, or ""."""
    try:
        made = _trial(kernels, device, dtype, hidden_size, head_dim)
    except kernel_errors() as error:
        return failure(error)
    expected = _trial(EagerSteps(), device, dtype, hidden_size, head_dim)
    room = 0.02 if dtype.itemsize == 2 else 1e-4
    right = (torch.allclose(*both, atol=room, rtol=room) for both in zip(made, expected, strict=True))
    return "" if all(right) else WRONG


def _trial(
    kernels: StepKernels, device: torch.device, dtype: torch.dtype, hidden_size: int, head_dim: int
) -> list[Tensor]:
    """What each step returns, and the cache that it wrote; two parts of a cache are looked at, one row is masked."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device, dtype)

    rows = ROWS_OF_PART + 30
    norm = nn.LayerNorm(hidden_size, device=device, dtype=dtype)
    cache, mask = drawn(2, 3, 2, rows, head_dim), torch.zeros(2, 1, 1, rows, device=device, dtype=dtype)
    mask[1, ..., 0] = BLOCKED_SCORE
    positions = torch.tensor([[[3], [7]], [[9], [1]]], device=device)
    place = torch.tensor([ROWS_OF_PART + 7], device=device)
    query = kernels.turn_and_store(
        drawn(2, 3, 3, head_dim), drawn(10, 2, head_dim // 2), positions, place, cache
    )
    return [
        kernels.residual_norm(drawn(2, hidden_size), drawn(2, hidden_size), norm, 7.5),
        query,
        cache,
        kernels.attend(query, cache, place, mask),
    ]

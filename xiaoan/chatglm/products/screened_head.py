"""The most probable token of a large vocabulary, without reading most of the head's weights.

Of the logits greedy decoding wants only the largest. Here a copy of the head in int8 is multiplied first, half or a
quarter of the bytes. How far off each of its logits can be is known: by the Cauchy–Schwarz inequality no further than
|w - q| · |x| for a row w of the head and its copy q, and |w - q| is computed once. Every token whose logit could be the
largest within that is then computed from the head's own weights, and the best of them is the best of all: nothing is
approximate about the answer. (Screening by a bound is an old idea of maximum inner product search.)
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.products.int8_planes import FINER, LARGEST, MOST_COLUMNS, Int8Product, int8_fault

CHUNK_ROWS = 4096
"""Rows of the head that are looked at together while the copy is made."""
PIECE_BYTES = 128 * 2**20
"""The copy is packed in pieces of about this size, so that no more than one of them is in memory twice."""
ROUNDING = 4e-6
"""Share of |w| · |x| that sums in float32 and their conversions may add to the bound."""


class ScreenedHead:
    """The int8 copy of a head beside the head itself.

    Args:
        weight: of the head `[vocab, hidden]`, floating point, on the CPU; it is kept, not copied.
        piece_bytes: about so much of the copy is packed at once.
    """

    def __init__(self, weight: Tensor, *, piece_bytes: int = PIECE_BYTES) -> None:
        self._weight = weight
        self._products: list[Int8Product] = []
        distances = []
        longest = 0.0
        for piece in weight.chunk(-(-weight.numel() // piece_bytes)):
            numbers, scale, distance, length = _copy_of(piece)
            self._products.append(Int8Product(numbers, scale))
            distances.append(distance)
            longest = max(longest, length)
        self._distance = torch.cat(distances)
        # Rounding of x to two planes, and of the sums, for any row.
        plane_step = math.sqrt(weight.shape[1]) / (2 * LARGEST * FINER)
        self._slack = (longest + float(self._distance.max())) * (ROUNDING + plane_step)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return logits `[rows, vocab]` for `hidden` `[rows, hidden]` whose largest is the largest of the head's own.

        Of one row they are float32: exact where they could be the largest, those of the copy, which are smaller,
        elsewhere. Of several rows, or where a number is none, they are the head's.
        """
        x = hidden.float()
        length = float(torch.linalg.vector_norm(x)) if len(x) == 1 else math.inf
        if not math.isfinite(length):
            return F.linear(hidden, self._weight)
        logits = torch.cat([product(x) for product in self._products], dim=1)[0]
        surely = float(
            torch.sub(logits, self._distance, alpha=length).max()
        )  # one logit is that large, but for rounding
        highest = torch.add(logits, self._distance, alpha=length)
        possible = highest.ge_(surely - 2 * length * self._slack).nonzero()[:, 0]
        logits[possible] = torch.mv(self._weight[possible].float(), x[0])
        return logits[None]


def _copy_of(weight: Tensor) -> tuple[Tensor, Tensor, Tensor, float]:
    """Return int8 numbers `[rows, hidden]`, their scale `[rows]`, how far each row is from its copy `[rows]`, and the
    length of the longest row."""
    numbers, scale = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight))
    distance = torch.empty(len(weight))
    longest = 0.0
    for start in range(0, len(weight), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        rows = weight[chunk].float()
        step = (rows.abs().amax(dim=1) / LARGEST).clamp_(min=torch.finfo(torch.float32).tiny)
        numbers[chunk] = (rows / step[:, None]).round_().clamp_(-LARGEST, LARGEST)
        scale[chunk] = step
        distance[chunk] = (rows - numbers[chunk] * step[:, None]).norm(dim=1)
        longest = max(longest, float(rows.norm(dim=1).max()))
    return numbers, scale, distance, longest


def screening_pays(weight: Tensor, all_bytes: int) -> bool:
    """Return whether a head is read so long that screening it is worth a copy in memory.

    Args:
        weight: of the head `[vocab, hidden]`.
        all_bytes: what one token reads of the whole model.
    """
    large = weight.nbytes >= 32 * 2**20 and weight.nbytes >= 0.1 * all_bytes
    return (
        large
        and weight.device.type == "cpu"
        and weight.is_floating_point()
        and weight.shape[1] <= MOST_COLUMNS
        and not int8_fault()
    )

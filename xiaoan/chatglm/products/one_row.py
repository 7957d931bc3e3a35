"""Half precision on a CPU, one token at a time."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

HALVES = (torch.float16, torch.bfloat16)


class Linear(nn.Linear):
    """A linear layer that multiplies one row of half precision as a vector.

    The product of matrices that torch takes otherwise reads the weights half as fast on a CPU (docs/performance.md). The
    sums are the same ones in another order.
    """

    def forward(self, x: Tensor) -> Tensor:
        """`[..., in]` → `[..., out]`."""
        one_row = x.numel() == self.in_features and x.dtype in HALVES and x.device.type == "cpu"
        if not one_row or torch.is_autocast_enabled("cpu"):
            return F.linear(x, self.weight, self.bias)
        vector = x.reshape(-1)
        no_bias = self.bias is None
        made = torch.mv(self.weight, vector) if no_bias else torch.addmv(self.bias, self.weight, vector)
        return made.view(*x.shape[:-1], -1)

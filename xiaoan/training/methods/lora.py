"""LoRA: pairs of thin float32 matrices learn beside the frozen linear layers (Hu et al., 2021, arXiv:2106.09685)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from xiaoan.chatglm.adapter_checkpoint import TARGETS, new_adapter, remove_adapter, save_adapter
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base, ResultFacts


@dataclass(frozen=True)
class Lora:
    """Adapters through PEFT.

    Attributes:
        rank: of the two matrices.
        alpha: their product counts alpha / rank times.
        dropout: share of the adapter's input dropped in training.
        targets: the linear layers of a block that get one, out of `TARGETS`.
    """

    rank: int = 8
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("query_key_value",)

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise UsageError(
                f"LoRA 设置不对：秩 {self.rank}（应至少为 1）、alpha {self.alpha}（应大于 0）、"
                f"dropout {self.dropout}（应在 0 到 1 之间）。"
            )
        unknown = [name for name in self.targets if name not in TARGETS]
        if unknown or not self.targets:
            raise UsageError(
                f"LoRA 要改的层不对：{'、'.join(unknown) or '一个也没写'}。可以用的有：{'、'.join(TARGETS)}。"
            )

    @property
    def name(self) -> str:
        """The method's name."""
        return "lora"

    def attach(
        self,
        base: Base,
        seed: int,
        pairs: Sequence[Pair] = (),  # noqa: ARG002 - the protocol
    ) -> dict[str, nn.Parameter]:
        """Freeze the base, quantised or not, put a fresh adapter onto it, and return the adapter's parameters."""
        return new_adapter(
            base.model,
            rank=self.rank,
            alpha=self.alpha,
            dropout=self.dropout,
            targets=self.targets,
            base=base.name,
            seed=seed,
        )

    def settle(self, base: Base) -> None:
        """Nothing to do: the adapter is saved as it is, in float32."""

    def save(self, base: Base, folder: Path, facts: ResultFacts) -> None:  # noqa: ARG002 - the protocol
        """Write a PEFT adapter folder; base and forms stand in `run.json` beside it."""
        save_adapter(base.model, folder)

    def detach(self, base: Base) -> None:
        """Take the adapter off."""
        remove_adapter(base.model)

"""What is measured of a model before and after training: an exam on the bank, or one's own data answered exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from xiaoan.cli.tuning_material import Material
from xiaoan.figures import Share

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.question_bank.question import Question
    from xiaoan.training.data.pairs import Pair
    from xiaoan.training.methods import Base
    from xiaoan.training.run_card import Accuracy

MOST_QUESTIONS = 500
"""Of more a sample is asked: the interval around 98 % is then about one point and a half."""
_FORM = "shuffled"
"""One sitting a question, with its options in any order: the hardest form that an exam paper has."""
_EXACT = "exact"
_HELD_OUT_QUESTIONS = "没学过的题"
_HELD_OUT_PAIRS = "没学过的数据"


class Exam(Protocol):
    """Measures one model."""

    @property
    def facts(self) -> dict[str, Any]:
        """How it measures, for the run's card."""
        ...

    def sit(self, model: "ChatGLMForConditionalGeneration", look: Callable[[], None]) -> "Accuracy":
        """Return how `model` does; `look` is called now and then and may raise to end it."""
        ...


def exam_for(
    material: Material,
    base: "Base",
    *,
    seed: int,
    max_source_length: int,
    max_target_length: int,
    tell: Callable[[str], None],
) -> Exam:
    """Return the exam that the material allows: on its bank, or without one on its data."""
    if material.questions:
        return _BankExam(material, base, seed, tell)
    return _ExactExam(material, base, max_source_length, max_target_length, tell)


@dataclass(frozen=True)
class _BankExam:
    """The exam on the bank that is learnt; what was held out counts by itself."""

    material: Material
    base: "Base"
    seed: int
    tell: Callable[[str], None]

    @property
    def facts(self) -> dict[str, Any]:
        """How it measures, for the run's card."""
        return {"forms": [_FORM], "limit": MOST_QUESTIONS}

    def sit(self, model: "ChatGLMForConditionalGeneration", look: Callable[[], None]) -> "Accuracy":
        """Return how `model` does, overall and by 题型; `look` is called after each question."""
        from xiaoan.training.run_card import Accuracy

        split = self.material.data.facts.split
        held_out_ids = frozenset(split.held_out_items) if split else frozenset()
        learnt = [question for question in self.material.questions if question.id not in held_out_ids]
        held_out = [question for question in self.material.questions if question.id in held_out_ids]
        asked = min(len(learnt), MOST_QUESTIONS)
        self.tell(f"考一遍（{asked} 题{'，抽的' if asked < len(learnt) else ''}，选项打乱）……")
        accuracy = self._accuracy(model, learnt, look)
        if not held_out:
            return accuracy
        unseen = self._accuracy(model, held_out, look).overall
        return Accuracy(accuracy.overall, {**accuracy.by_type, _HELD_OUT_QUESTIONS: unseen})

    def _accuracy(
        self,
        model: "ChatGLMForConditionalGeneration",
        questions: "Sequence[Question]",
        look: Callable[[], None],
    ) -> "Accuracy":
        from xiaoan.evaluation.in_memory import accuracy_of
        from xiaoan.training.run_card import Accuracy

        report = accuracy_of(
            model,
            self.base.tokenizer,
            questions,
            trained_forms=self.material.data.facts.forms,
            forms=(_FORM,),
            seed=self.seed,
            limit=MOST_QUESTIONS,
            on_question=look,
        )
        by_type = {kind: report.score(_FORM, kind) for kind in report.question_types}
        return Accuracy(report.score(_FORM), by_type)


@dataclass(frozen=True)
class _ExactExam:
    """How much of one's own data is answered token for token; what was held out counts by itself."""

    material: Material
    base: "Base"
    max_source_length: int
    max_target_length: int
    tell: Callable[[str], None]

    @property
    def facts(self) -> dict[str, Any]:
        """How it measures, for the run's card."""
        return {"forms": [_EXACT], "limit": None}

    def sit(self, model: "ChatGLMForConditionalGeneration", look: Callable[[], None]) -> "Accuracy":
        """Return the share of what is learnt, and by itself that of what is held out."""
        from xiaoan.training.run_card import Accuracy

        data = self.material.data
        self.tell(f"逐字对一遍（{len(data.fixed_train) + len(data.held_out)} 条）……")
        overall = self._share(model, data.fixed_train)
        look()
        if not data.held_out:
            return Accuracy(overall)
        return Accuracy(overall, {_HELD_OUT_PAIRS: self._share(model, data.held_out)})

    def _share(self, model: "ChatGLMForConditionalGeneration", pairs: "Sequence[Pair]") -> Share:
        from xiaoan.training.running.exactness import exact_count

        exact = exact_count(
            model,
            self.base.tokenizer,
            pairs,
            max_source_length=self.max_source_length,
            max_target_length=self.max_target_length,
        )
        return Share(exact, len(pairs))

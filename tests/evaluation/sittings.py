"""Sittings written down by hand, for the tests of everything that is computed from them."""

from dataclasses import replace

from xiaoan.evaluation.sitting import Sitting

_PLAIN = Sitting(
    id="0",
    form="plain",
    turn=0,
    question_type="单选题",
    profession="变电",
    clause="变电安规 5.2",
    stem="高压室的钥匙至少应有（ ）把。",
    official=("3",),
    asked="高压室的钥匙至少应有（ ）把。",
    options=(),
    right_labels=(),
    answer="3",
    chosen=(),
    right=True,
    credit=1.0,
    status=None,
    shown_from="model",
    shown_right=True,
    confidence=None,
    seconds=0.0,
    tokens=0,
)


def sitting(number: int = 0, *, right: bool = True, **fields: object) -> Sitting:
    """One sitting of question `number`; what is right is also shown right and earns everything."""
    own: dict[str, object] = {"id": str(number), "right": right, "shown_right": right, "credit": float(right)}
    return replace(_PLAIN, **{**own, **fields})  # type: ignore[arg-type]


def lettered(
    number: int,
    official: str,
    chosen: str,
    options: tuple[str, ...] = ("甲", "乙", "丙", "丁"),
    **fields: object,
) -> Sitting:
    """A question with options, of which `official` are right and `chosen` were answered (letters: "AC")."""
    texts = dict(zip("ABCDEFGH", options, strict=False))
    return sitting(
        number,
        right=set(official) == set(chosen),
        **{
            "form": "options",
            "options": options,
            "official": tuple(texts[letter] for letter in official),
            "right_labels": tuple(official),
            "chosen": tuple(chosen),
            "answer": "; ".join(f"{letter}. {texts[letter]}" for letter in chosen),
            **fields,
        },
    )

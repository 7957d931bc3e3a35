"""What the model is asked: from a question as a person typed it to the model's query."""

import re
from collections.abc import Sequence

from xiaoan.question_bank.drawing.option_references import option_references
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, normalize_stem, normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import AskedQuestion

PLAIN_FORM = "plain"
"""A prefix's card names this form when it was trained on stems alone."""

OPTIONS_FORM = "options"
"""A prefix's card names this form when it can answer questions that come with options."""

OPTIONS_SEPARATOR = "\n"
"""What stands between the options of an answer in the form `options`: each has a line."""

_SPEAKS_OF_OTHERS = re.compile(
    "以上|上述|上面|前面|其余|其[他它]|所有|全[部都]|[都均皆]|任[意何]?一|没有正确"
)
_BETWEEN_ANSWERS = re.compile("[;；] ?")


def plain_prompt(asked: AskedQuestion) -> str:
    """Return the stem in the one spelling that the model was trained on, without options."""
    return normalize_stem(asked.stem)


def options_prompt(stem: str, options: Sequence[AskedOption]) -> str:
    """Return a normalised stem and its options, one a line: `题干`, `A. 甲`, `B. 乙`.

    The spelling is fixed, whatever separators the person used: `training.data.bank_forms` builds the same string.
    """
    return "\n".join((stem, *map(option_line, options)))


def option_line(option: AskedOption) -> str:
    """Return an option as it stands in a prompt, and in an answer to one: `A. 甲`."""
    return f"{option.label}. {normalize_text(option.text)}"


def canonical_options(options: Sequence[AskedOption]) -> tuple[AskedOption, ...]:
    """Return the options in the one order in which they are shown to a model, lettered A, B, … anew.

    Sorted by their texts, those that speak of others (以上都对) last, equal texts once. Where a text names an option
    by its letter (A和B都对) nothing is moved or renamed. The texts are normalised.
    """
    texts = [normalize_text(option.text) for option in options]
    if any(option_references(text, len(texts)) != () for text in texts):
        return tuple(AskedOption(option.label, text) for option, text in zip(options, texts, strict=True))
    ordered = sorted(set(texts), key=lambda text: (bool(_SPEAKS_OF_OTHERS.match(text)), text))
    return tuple(AskedOption(place_letters(place), text) for place, text in enumerate(ordered))


def prompt_for(asked: AskedQuestion, forms: frozenset[str]) -> str:
    """Return the query for a free answer from a model trained on `forms`.

    A model without a card gets the text as typed, options included: that is what published prefixes were
    asked.
    """
    if not forms:
        return asked.text
    if asked.options and OPTIONS_FORM in forms:
        return options_prompt(plain_prompt(asked), asked.options)
    return plain_prompt(asked)


def answer_as_trained(text: str) -> str:
    """Return a freely written answer as training spells answers: what is shown has Chinese marks (`；`)."""
    return ANSWER_SEPARATOR.join(normalize_text(part) for part in _BETWEEN_ANSWERS.split(text.strip()))

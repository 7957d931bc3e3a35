"""What the model is asked: from a question as a person typed it to the model's query."""

from xiaoan.question_bank.normalization import normalize_stem, normalize_text
from xiaoan.question_bank.parsing import AskedQuestion

PLAIN_FORM = "plain"
"""A prefix's card names this form when it was trained on stems alone."""

OPTIONS_FORM = "options"
"""A prefix's card names this form when it can answer questions that come with options."""


def plain_prompt(asked: AskedQuestion) -> str:
    """Return the stem in the one spelling that the model was trained on, without options."""
    return normalize_stem(asked.stem)


def options_prompt(asked: AskedQuestion) -> str:
    """Return the stem and its options, one a line: `题干`, `A. 甲`, `B. 乙`.

    The spelling is fixed, whatever separators the person used: `training.data.bank_forms` builds the same string.
    """
    options = (f"{option.label}. {normalize_text(option.text)}" for option in asked.options)
    return "\n".join((plain_prompt(asked), *options))


def prompt_for(asked: AskedQuestion, forms: frozenset[str]) -> str:
    """Return the query for a free answer from a model trained on `forms`.

    A model without a card gets the text as typed, options included: that is what published prefixes were
    asked.
    """
    if not forms:
        return asked.text
    if asked.options and OPTIONS_FORM in forms:
        return options_prompt(asked)
    return plain_prompt(asked)

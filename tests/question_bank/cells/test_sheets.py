from xiaoan.question_bank.cells.sheets import column_letter


def test_columns_are_named_by_one_letter_then_by_two_then_by_three() -> None:
    letters = "A Z AA AZ BA ZZ AAA"
    assert " ".join(column_letter(index) for index in (0, 25, 26, 51, 52, 701, 702)) == letters

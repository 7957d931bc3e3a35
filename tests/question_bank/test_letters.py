from xiaoan.question_bank.letters import place_letters


def test_places_have_one_letter_then_two_then_three() -> None:
    letters = "A Z AA AZ BA ZZ AAA"
    assert " ".join(map(place_letters, (0, 25, 26, 51, 52, 701, 702))) == letters

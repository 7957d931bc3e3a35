"""Places counted in letters, as options and columns of a sheet are."""


def place_letters(place: int) -> str:
    """Return the letters of the place counted from 0: A, B, … Z, then AA, AB, …"""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters

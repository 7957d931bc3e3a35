from tests.evaluation.sittings import lettered
from xiaoan.evaluation.baselines.bot_and_bank import bot_and_bank


def test_what_the_screen_puts_first_is_the_answer() -> None:
    saved = lettered(0, "AB", "AC", status="mismatch", shown_from="bank", shown_right=True)
    spoilt = lettered(1, "AB", "AB", status="mismatch", shown_from="bank", shown_right=False)
    silent = lettered(2, "AB", "AB", status="not_found", shown_from="none")
    own = lettered(3, "AB", "A", status="not_found", shown_right=False, credit=0.5)
    shown = bot_and_bank([saved, spoilt, silent, own])
    assert [one.right for one in shown] == [True, False, True, False]
    assert [one.credit for one in shown] == [1.0, 0.0, 1.0, 0.5]
    assert (shown[0].chosen, shown[0].answer) == (("A", "B"), "甲; 乙")
    assert shown[1].answer == ""
    assert shown[2:] == [silent, own]
    assert [one.shown_right for one in shown] == [one.right for one in shown]

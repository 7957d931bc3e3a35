from xiaoan.training.data.pairs import Pair, prompt_of


def test_a_pair_without_rounds_is_asked_barely() -> None:
    assert prompt_of(Pair("验电要戴什么", "绝缘手套")) == "验电要戴什么"


def test_rounds_become_the_published_prompt() -> None:
    pair = Pair("夜里呢", "两人一组", (("巡线要几个人", "两人"),))
    assert prompt_of(pair) == "[Round 0]\n问：巡线要几个人\n答：两人\n[Round 1]\n问：夜里呢\n答："

import os
import signal

import pytest

from xiaoan.cli.stop_request import StopRequest


def test_the_first_ctrl_c_asks_and_is_said_once_when_the_work_looks() -> None:
    said: list[str] = []
    with StopRequest(said.append) as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert not said
        assert stop()
        assert stop()
    assert len(said) == 1
    assert "再按一次" in said[0]


def test_the_second_ctrl_c_stops_at_once_and_a_polite_kill_is_never_the_second() -> None:
    with StopRequest(lambda _: None) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest(lambda _: None):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

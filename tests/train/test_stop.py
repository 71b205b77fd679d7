from __future__ import annotations

import os
import signal

import pytest

from edge_tagger.cli.signals import Terminated, ended_by_signals
from edge_tagger.train.stop import stop_on_interrupt


@pytest.mark.parametrize(("kind", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_waits_until_the_step_is_saved(kind: signal.Signals, error: type[BaseException]) -> None:
    with pytest.raises(error) as ended, ended_by_signals(), stop_on_interrupt() as stop:
        stop.check()
        os.kill(os.getpid(), kind)
        assert stop.is_asked  # and here it is saved
        stop.check()
    assert type(ended.value) is error
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_second_ctrl_c_interrupts_at_once_and_a_second_sigterm_is_the_same_request() -> None:
    with ended_by_signals(), stop_on_interrupt() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # `timeout` sends it to the process and to its group
        assert stop.is_asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_interrupt() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop.is_asked and signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

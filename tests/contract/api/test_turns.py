"""Of several limen-api processes one at a time scans a host."""

import threading
from uuid import uuid4

import pytest

from limen.ledger import Ledger
from limen.ledger.errors import Busy


def test_turns_at_one_host(database_url: str) -> None:
    host, other = uuid4(), uuid4()
    with Ledger.open(database_url) as one, Ledger.open(database_url) as two:
        with one.turns.at(host, 0) as ours:
            assert ours
            with two.turns.at(host, 0) as theirs, two.turns.at(other, 0) as elsewhere:
                assert not theirs
                assert elsewhere
            with pytest.raises(Busy), two.turns.at(host, 0.1):
                pass
        with two.turns.at(host, 0) as theirs:
            assert theirs


def test_a_turn_is_waited_for(database_url: str) -> None:
    host = uuid4()
    order = []
    with Ledger.open(database_url) as one, Ledger.open(database_url) as two:

        def second() -> None:
            with two.turns.at(host, 20):
                order.append("second")

        with one.turns.at(host, 0):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(0.3)
            order.append("first")
        thread.join(20)
    assert order == ["first", "second"]


def test_a_turn_ends_although_the_scan_failed(database_url: str) -> None:
    host = uuid4()
    with Ledger.open(database_url) as ledger:
        with pytest.raises(ZeroDivisionError), ledger.turns.at(host, 5):
            raise ZeroDivisionError
        with ledger.turns.at(host, 0) as again:
            assert again

"""Work shared among processes: the same results, errors that arrive, nothing that goes on afterwards."""

import multiprocessing
import os
import time

import pytest

from tf_advpose.data import workers


def count_up(item: int):
    """Yields `item` numbers; 99 is an error, 100 a death."""
    if item == 99:
        raise ValueError("item 99 is bad")
    if item == 100:
        os._exit(1)
    for number in range(item):
        yield 1000 * item + number


@pytest.mark.parametrize("processes", [1, 2])
def test_every_result_comes_once(processes):
    items = [3, 0, 500, 1, 2]  # 0 yields nothing, and 500 is more than a pipe holds
    expected = sorted(result for item in items for result in count_up(item))
    assert sorted(workers.run(count_up, items, processes)) == expected
    assert not multiprocessing.active_children()


def test_errors_end_all(monkeypatch):
    """Of the work, of a process that died, and of whoever uses the results."""
    with pytest.raises(ValueError, match="item 99 is bad"):
        list(workers.run(count_up, [5, 99, 7], 2))
    assert not multiprocessing.active_children()
    with pytest.raises(RuntimeError, match="has died"):
        list(workers.run(count_up, [100], 2))
    assert not multiprocessing.active_children()
    results = workers.run(count_up, [10**9, 10**9], 2)
    next(results)
    started = time.monotonic()
    results.close()
    assert not multiprocessing.active_children() and time.monotonic() - started < 2

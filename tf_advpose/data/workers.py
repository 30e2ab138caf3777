"""Work shared among processes of this machine: `run`.

A worker is told what to do through a pipe and answers through it, so that it waits when nobody takes its
results, and ends when the process that started it does, however that came about.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import connection as connections
from multiprocessing import resource_tracker

from tf_advpose.startup import quiet_unless_it_fails


def run(function: Callable[..., Iterable], items: Iterable, processes: int) -> Iterator:
    """Yields all that `function(item)` yields, never None, for all `items`, in no particular order.

    With one process all is done in this one, in order. Otherwise the processes are new ones, which run the
    main script again up to its `if __name__ == "__main__"`, and are ended with this generator.

    Raises:
      RuntimeError: a process has died.
      Exception: whatever `function` or `items` raise; the rest of the work is given up.
    """
    if processes == 1:
        for item in items:
            yield from function(item)
        return
    items = iter(items)
    with contextlib.ExitStack() as stack:
        idle, busy = [stack.enter_context(_worker(function)) for _ in range(processes)], []
        while True:
            while idle and (item := next(items, None)) is not None:
                busy.append(idle.pop())
                busy[-1].send(item)
            if not busy:
                return
            for worker in connections.wait(busy):
                result, error = _receive(worker)
                if error is not None:
                    raise error
                if result is None:  # the item is finished
                    busy.remove(worker)
                    idle.append(worker)
                else:
                    yield result


@contextlib.contextmanager
def _worker(function: Callable[..., Iterable]) -> Iterator[connections.Connection]:
    """Starts a process that runs `function` on what it is sent; ends it in the end."""
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there,), daemon=True)
    # An interrupt ends this process, which ends the worker; by itself the worker would end in a traceback.
    resource_tracker.ensure_running()  # `start` would do so, and would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    there.close()
    try:
        here.send(function)
        yield here
    finally:
        process.terminate()
        process.join()
        here.close()


def _receive(worker: connections.Connection) -> tuple:
    try:
        return worker.recv()
    except (EOFError, ConnectionResetError):
        return None, RuntimeError(
            "A process that prepares examples has died, perhaps for want of memory. Try fewer --processes."
        )


def _work(pipe: connections.Connection) -> None:
    """What a worker does: the other end of `_worker`."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    with contextlib.suppress(EOFError, ConnectionError):  # nobody is there any more
        with quiet_unless_it_fails():
            function = pipe.recv()  # loads its module, and with it TensorFlow
        while True:
            item = pipe.recv()
            try:
                for result in function(item):
                    pipe.send((result, None))
            except ConnectionError:
                return
            except Exception as error:
                pipe.send((None, error))
            pipe.send((None, None))

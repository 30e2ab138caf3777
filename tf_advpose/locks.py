"""Keeps two runs from writing to the same place at the same time."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

try:
    import fcntl
except ModuleNotFoundError:  # not on Windows, where nobody is kept out
    fcntl = None


@contextlib.contextmanager
def only_run(path: str | os.PathLike) -> Iterator[None]:
    """Locks a folder, or a file in it, that is there; the lock goes with the process, however that ends.

    Machines that share a file system keep each other from a file; a folder is locked on this one alone.
    Where the file system has no locks, nobody is kept out.

    Raises:
      BlockingIOError: another process has locked it.
    """
    if fcntl is None:
        yield
        return
    path = pathlib.Path(path)
    folder, access = (path, os.O_RDONLY) if path.is_dir() else (path.parent, os.O_RDWR)  # NFS asks for it
    handle = os.open(path, access)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"Another run is writing to {folder} now. Let it finish.") from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)

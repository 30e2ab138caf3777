"""Running this repository's own scripts, as a user would, and how this one was started."""

import pathlib
import shlex
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def given() -> str:
    """The command that started this process, a script of this folder."""
    return shlex.join(["python", f"benchmarks/{pathlib.Path(sys.argv[0]).name}", *sys.argv[1:]])


def run(script: str, *arguments: str) -> None:
    """Prints the command and runs it; ends this process with its status where it fails."""
    print("$", shlex.join(["python", script, *arguments]), flush=True)
    status = subprocess.run([sys.executable, str(REPOSITORY / script), *arguments]).returncode
    if status:
        sys.exit(status)

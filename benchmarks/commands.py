"""Running this repository's own scripts, as a user would."""

import pathlib
import shlex
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> None:
    """Prints the command and runs it; ends this process with its status where it fails."""
    print("$", shlex.join(["python", script, *arguments]), flush=True)
    status = subprocess.run([sys.executable, str(REPOSITORY / script), *arguments]).returncode
    if status:
        sys.exit(status)

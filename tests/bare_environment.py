"""A virtual environment with some packages of this one and nothing else, made without a network."""

import importlib.metadata
import pathlib
import subprocess
import sys
import venv

import pytest
from packaging.requirements import Requirement  # pytest brings it


def needed_by(names: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """The installed distributions `names` and all that they ask for, by name."""
    found, asked = {}, list(names)
    while asked:
        name = asked.pop().lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed here, so no environment can be made of it")
        requirements = map(Requirement, found[name].requires or [])
        asked += [one.name for one in requirements if not one.marker or one.marker.evaluate({"extra": ""})]
    return found


def make(folder: pathlib.Path, names: list[str]) -> pathlib.Path:
    """Makes it in `folder`, with links to the packages; its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = pathlib.Path(subprocess.check_output([python, "-c", where], text=True).strip())
    for distribution in needed_by(names).values():
        if distribution.files is None:
            pytest.skip(f"nothing says which files {distribution.name} has")
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            link = site / top
            if not link.exists():
                link.symlink_to(distribution.locate_file(top))
    assert sys.prefix not in subprocess.check_output(
        [python, "-c", "import sys; print(sys.path)"], text=True
    )
    return python

import os
import pathlib

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

REPOSITORY = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="session")
def samples() -> pathlib.Path:
    """The folder of real sample files; tests that need it skip where there is none."""
    folder = pathlib.Path(os.environ.get("TF_ADVPOSE_SAMPLES", REPOSITORY.parent / "shared/samples"))
    if not folder.is_dir():
        pytest.skip(f"no real sample files in {folder} (set TF_ADVPOSE_SAMPLES)")
    return folder


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory) -> str:
    """The data folder of prepared drawn people, of both domains. Not to be changed."""
    import drawn_people

    return drawn_people.prepare(tmp_path_factory.mktemp("drawn_people"))


@pytest.fixture(scope="session")
def dot_model(tmp_path_factory) -> pathlib.Path:
    """A .tflite file that finds people who are dots, see `dot_finder`."""
    import dot_finder

    return dot_finder.write_tflite(tmp_path_factory.mktemp("dot_finder") / "pose.tflite")

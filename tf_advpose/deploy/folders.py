"""Models that are folders, for `runtime`: a run's work folder, an exported SavedModel. Loads TensorFlow."""

import json
import os
import pathlib
from collections.abc import Callable

import numpy as np

from tf_advpose import work_folder
from tf_advpose.deploy.metadata import describe
from tf_advpose.deploy.runtime import SAVED_MODEL_FILE
from tf_advpose.deploy.saved_model import METADATA_FILE
from tf_advpose.evaluation import sources


def open_model(folder: str | os.PathLike) -> tuple[dict, Callable[[np.ndarray], dict[str, np.ndarray]]]:
    """What the model in `folder` says of itself, see `metadata.describe`, and the function that runs it.

    That takes crops [N, S, S, 3] float32 in [0, 1]. Of a run it is the generator after the last finished
    stage.

    Raises:
      FileNotFoundError, ValueError: the run has not finished a stage, or the SavedModel is damaged, or not
        of this project.
    """
    folder = pathlib.Path(folder)
    if (folder / SAVED_MODEL_FILE).is_file():
        model = sources.from_saved_model(str(folder))
        metadata = json.loads((folder / METADATA_FILE).read_text())
    else:
        model = sources.from_work_folder(str(folder))
        stage = work_folder.finished_stages(str(folder))[-1]
        metadata = describe(
            work_folder.open_run(str(folder)),
            stage,
            model.total_bone_length,
            initial_hourglass=work_folder.initial_hourglass(str(folder)),
        )
    return metadata, lambda crops: {name: np.asarray(value) for name, value in model.predict(crops).items()}

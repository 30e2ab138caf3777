"""Prints, and writes, every table and figure of the paper that the data at hand have labels for.

  python evaluate.py --work_dir=runs/full --data=human36m
  python evaluate.py --work_dir=runs/baseline,runs/full --data=human36m --output=tables.tex,results.json \\
      --figures=figures
  python evaluate.py --saved_model=exports/full/1 --tflite=pose.tflite --data=mpii --split=validation
  python evaluate.py --predictions=ours.npz,theirs.npz

Several models stand side by side, one row each, and are compared with the first on the same examples.
The paper's conventions are the defaults; each table names its own. docs/evaluation.md defines every number.
"""

import sys

from absl import app, flags

from tf_advpose.errors import is_tensorflows, reason_of
from tf_advpose.evaluation import conventions, prediction_files, protocols, report
from tf_advpose.evaluation.scores import score
from tf_advpose.startup import load_tensorflow_quietly

FLAGS = flags.FLAGS
flags.DEFINE_list("work_dir", [], "Work folders of runs to score.")
flags.DEFINE_list("stage", [], "Stages to score of each run. Empty: the last one finished.")
flags.DEFINE_list("weights", ["last"], "Weights to score of each stage: last, average or best.")
flags.DEFINE_list("saved_model", [], "Exported SavedModels to score: their folders.")
flags.DEFINE_list("tflite", [], "Exported .tflite files to score.")
flags.DEFINE_list("predictions", [], "Files of stored predictions to score, .npz.")
flags.DEFINE_string("data", None, "Prepared dataset, such as human36m or synthetic_people/wild.")
flags.DEFINE_string("split", "test", "Its split.")
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets (see prepare.py).")
flags.DEFINE_integer("batch_size", 32, "Examples at a time.", lower_bound=1)
flags.DEFINE_bool("mirror", False, "Score each model again with the mean of crop and mirrored crop.")
for name, (meaning, choices) in conventions.CHOICES.items():
    listed = "; ".join(f"{choice}: {text}" for choice, text in choices.items())
    flags.DEFINE_enum(name, getattr(conventions.PAPERS, name), list(choices), f"{meaning}. {listed}.")
flags.DEFINE_enum("format", "txt", ["txt", "md", "tex", "csv"], "How the tables are printed.")
flags.DEFINE_list(
    "output", [], "New files: tables where they end in .txt, .md, .tex, .csv; .json: results."
)
flags.DEFINE_string("save_predictions", None, "Folder for what each model predicts, one .npz a model.")
flags.DEFINE_string("figures", None, "Folder for curves, histograms and poses side by side, .png.")
flags.DEFINE_integer("seed", 0, "Chooses the random examples of the figures.")
flags.DEFINE_string("training_curve", None, "PNG for the error of each --work_dir against training steps.")


def batches(image_size: int, label: str):
    """The labelled batches of the data at hand, showing the progress."""
    from tf_advpose.data.pipeline import damage_named, evaluation_batches
    from tf_advpose.progress import track

    found, examples = evaluation_batches(
        FLAGS.data, FLAGS.split, FLAGS.data_dir, image_size, FLAGS.batch_size
    )
    with damage_named(FLAGS.data_dir, (FLAGS.data, FLAGS.split)):
        yield from track(found, label, -(-examples // FLAGS.batch_size))


def run_models() -> dict:
    """What the models that are run here predict, by their names. Without any, TensorFlow is not loaded."""
    if not FLAGS.work_dir + FLAGS.saved_model + FLAGS.tflite:
        return {}
    from tf_advpose.evaluation import sources

    models = {}
    for model in sources.open_models(
        FLAGS.work_dir, FLAGS.stage, FLAGS.weights, FLAGS.saved_model, FLAGS.tflite
    ):
        for mirror in [False, True] if FLAGS.mirror else [False]:
            models[f"{model.name}, mirrored" if mirror else model.name] = model, mirror
    if FLAGS.save_predictions:
        prediction_files.check_outputs([*models, *FLAGS.predictions], FLAGS.save_predictions)
    return {
        name: sources.collect(model, batches(model.image_size, name), mirror)
        for name, (model, mirror) in models.items()
    }


def read_files() -> tuple[dict, str]:
    """What is in files of predictions, by their paths, and the data that they say they are of."""
    found, names = {}, {}
    for path in FLAGS.predictions:
        labels = None
        if FLAGS.data and not prediction_files.has_labels(path):
            from tf_advpose.evaluation import sources

            labels = sources.labels_of(batches(sources.LABEL_IMAGE_SIZE, "labels"))
        found[path], data = prediction_files.load(path, labels)
        if data:
            names.setdefault(data, path)
    if len(names) > 1:
        different = ", ".join(f"{path} of {data}" for data, path in names.items())
        raise ValueError(f"The predictions are not of the same data: {different}.")
    return found, next(iter(names), "")


def read_crops(names: list[str]) -> dict:
    """The photos of these examples, by their names."""
    from tf_advpose.evaluation import sources

    return sources.crops_of(batches(sources.LABEL_IMAGE_SIZE, "photos"), names)


def draw(scores: dict) -> None:
    """Writes the figures that are asked for."""
    from tf_advpose.evaluation import figures

    if FLAGS.figures:
        figures.draw(FLAGS.figures, scores, read_crops if FLAGS.data else None, FLAGS.seed)
    if FLAGS.training_curve:
        if not next(iter(scores.values())).has_3d.any():
            raise ValueError(
                f"--training_curve draws errors in mm; {FLAGS.data} {FLAGS.split} has no 3D labels."
            )
        from tf_advpose.evaluation import sources, training_curve

        def error_of(model):
            predictions = sources.collect(model, batches(model.image_size, model.name))
            return protocols.evaluate(predictions, chosen_conventions())["mpjpe"]

        training_curve.draw(FLAGS.work_dir, error_of, FLAGS.training_curve)


def chosen_conventions() -> conventions.Conventions:
    return conventions.Conventions(**{name: FLAGS[name].value for name in conventions.CHOICES})


def check_flags() -> None:
    """Raises ValueError or FileExistsError for flags that do not go together, before anything is done."""
    runs = FLAGS.work_dir + FLAGS.saved_model + FLAGS.tflite
    if not runs + FLAGS.predictions:
        raise ValueError("Nothing to score: give --work_dir, --saved_model, --tflite or --predictions.")
    if runs and not FLAGS.data:
        raise ValueError(f"{runs[0]} needs --data, the prepared dataset to be scored on.")
    if FLAGS.training_curve and not FLAGS.work_dir:
        raise ValueError("--training_curve needs --work_dir: only runs keep weights along their training.")
    report.check_outputs(FLAGS.output)


def main(_) -> None:
    try:
        check_flags()
        chosen = chosen_conventions()
        if FLAGS.data:
            load_tensorflow_quietly()
        found, data = read_files()
        found = run_models() | found
        data = f"{FLAGS.data} {FLAGS.split}" if FLAGS.data else data or "unnamed data"
        if FLAGS.save_predictions:
            prediction_files.save_all(found, FLAGS.save_predictions, data)
        scores = {model: score(predictions, chosen) for model, predictions in found.items()}
        results = {model: protocols.summarise(one) for model, one in scores.items()}
        comparisons = protocols.compare_with_first(scores)
        tables = report.tables(results, data, comparisons)
        print(report.WRITERS[f".{FLAGS.format}"](tables), end="", flush=True)
        for path in FLAGS.output:
            everything = {"data": data, "models": results, "differences_from_first": comparisons}
            report.write(path, tables, everything)
        draw(scores)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Files that were written by then are whole.")
    except Exception as error:
        if not is_tensorflows(error):
            raise
        sys.exit(f"error: {reason_of(error.message)}")


if __name__ == "__main__":
    app.run(main)

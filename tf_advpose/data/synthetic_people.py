"""Synthetic people: rendered pictures with exact joints, free of licences, made on this machine."""

from collections.abc import Iterator

import tensorflow_datasets as tfds

from tf_advpose.data import photos, records, schema

EVERYDAY_VERSION = tfds.core.Version("3.0.0")  # of `everyday` and `everyday_2d`, which are worked on most


class SyntheticPeople(tfds.core.GeneratorBasedBuilder):
    """Pictures of rendered people with exact 2D and 3D joints, in several domains.

    lab: few bodies, plain rooms and cameras, with 3D joints, as Human3.6M has them. wild: bodies, clothes,
    poses, cameras and backgrounds of every kind, as in MPII; their 3D joints are kept for evaluation and
    never train.

    everyday: the widest bodies, clothes, poses, places and cameras, to train networks for real photos,
    with 3D joints; everyday_2d: others like them whose 3D joints never train. Their subject says to which
    groups of sex, age, build, skin and clothes a person belongs.

    wild_3d: the wild's very pictures with 3D joints to train on, for what could be reached at best.

    Licence: none needed. The body is MakeHuman's, in the public domain (CC0), and the pictures are made on
    this machine from a seed; they may be used and passed on.
    To obtain: python prepare.py people; nothing is downloaded.

    Splits: train, test and, where it is asked for, validation, of different people. What they
    were made with is in the metadata.
    """

    VERSION = tfds.core.Version("2.0.0")
    HOMEPAGE = "https://static.makehumancommunity.org"
    CITATION = ""
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="lab", description="With 3D joints to train on, as Human3.6M."),
        tfds.core.BuilderConfig(name="wild", description="With 2D joints to train on, as MPII."),
        tfds.core.BuilderConfig(
            name="everyday",
            version=EVERYDAY_VERSION,
            description="For real photos, with 3D joints to train on.",
        ),
        tfds.core.BuilderConfig(
            name="everyday_2d",
            version=EVERYDAY_VERSION,
            description="For real photos, with 2D joints alone.",
        ),
        tfds.core.BuilderConfig(name="wild_3d", description="The wild, with 3D joints to train on."),
    ]

    def __init__(
        self,
        *,
        train_examples: int = 20_000,
        test_examples: int = 1_000,
        validation_examples: int = 0,
        size: int = 256,
        seed: int = 0,
        processes: int | None = None,
        backgrounds: str | None = None,
        **kwargs,
    ):
        """A builder of so many pictures, `size` wide, from `seed`, by `processes` (None: one a core), of
        everyday people before the photos in the folder `backgrounds`, if that is given."""
        self._backgrounds = backgrounds
        counts = {"train": train_examples, "test": test_examples, "validation": validation_examples}
        self._counts = {split: count for split, count in counts.items() if count}
        self._size, self._seed, self._processes = size, seed, processes
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return photos.dataset_info(self)

    def _example_writer(self) -> records.RecordWriter:
        return records.RecordWriter()

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        counts = {f"{split}_examples": count for split, count in self._counts.items()}
        self.info.metadata.update(layout="rendered", skipped={}, size=self._size, seed=self._seed, **counts)
        if self._backgrounds is not None:
            self.info.metadata.update(backgrounds=self._backgrounds)
        return {split: self._generate_examples(split, count) for split, count in self._counts.items()}

    def _generate_examples(self, split: str, count: int) -> Iterator:
        # Its packages are needed by nobody who works with real photos.
        from tf_advpose.people import dataset

        domain = self.builder_config.name
        making = {"size": self._size, "seed": self._seed, "processes": self._processes}
        if self._backgrounds is not None:
            making["backgrounds"] = self._backgrounds
        for person in dataset.generate(domain, split, count, **making):  # shows its own progress
            yield person["example_id"], schema.make_example(**person)

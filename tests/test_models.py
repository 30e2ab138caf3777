import ast
import itertools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tf_advpose import heatmaps, models
from tf_advpose.models import blocks
from tf_advpose.models.discriminator import SOURCES
from tf_advpose.models.generator import DEPTH_PREFIX, hourglass_layers
from tf_advpose.skeleton import NUM_JOINTS

PACKAGE = pathlib.Path(models.__file__).parent.parent
SMALL = {"image_size": 32, "width": 16, "depth": 1}
SMALL_D = {"image_size": 32, "width": 8, "dense_width": 16}


@pytest.fixture
def set_policy():
    """Sets the global dtype policy for one test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def trainable_count(model: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def random_images(count: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(count, size, size, 3)).astype(np.float32)


def shake_weights(model: keras.Model) -> None:
    """Random biases and batch-norm statistics: fresh ones are 0 and 1, where mistakes hide."""
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if len(variable.shape) == 1:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def discriminator_inputs(count: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {"image": (32, 32, 3), "geometry": (6, NUM_JOINTS, NUM_JOINTS), "maps": (8, 8, 2 * NUM_JOINTS)}
    return {name: rng.normal(size=(count, *shape)).astype(np.float32) for name, shape in shapes.items()}


# The counts of the public networks, from their layer lists.
@pytest.mark.parametrize(
    "num_stacks, expected", [(1, 3_586_960), (2, 6_730_912), (4, 13_018_816), (8, 25_594_624)]
)
def test_the_hourglass_has_the_public_networks_parameters(num_stacks, expected):
    assert trainable_count(models.build_hourglass(num_stacks)) == expected


@pytest.mark.parametrize("num_stacks, expected", [(2, 7_448_752), (4, 13_736_656)])
def test_the_generator_adds_a_depth_module_of_717840_parameters(num_stacks, expected):
    assert trainable_count(models.build_generator(num_stacks)) == expected


def test_generator_outputs_have_the_promised_names_and_shapes():
    outputs = models.build_generator(2, **SMALL)(random_images(3))
    assert set(outputs) == {"heatmaps", "depth"}
    assert [tuple(stack.shape) for stack in outputs["heatmaps"]] == [(3, 8, 8, NUM_JOINTS)] * 2
    assert tuple(outputs["depth"].shape) == (3, NUM_JOINTS)


def enlarge(model: keras.Model, *names: str) -> None:
    """Takes output layers away from zero, where they start."""
    for name in names:
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * 300, bias])


def test_every_stack_is_refined_by_the_next():
    """The second stack sees the first one's features and heatmaps."""
    model = models.build_hourglass(2, **SMALL)
    enlarge(model, "stack1_heatmaps", "stack2_heatmaps")
    images = random_images(1)
    first, second = model(images)
    for name in ("stack1_join_features", "stack1_join_heatmaps"):
        layer = model.get_layer(name)
        kernel = layer.get_weights()
        layer.set_weights([kernel[0] * 0, kernel[1]])
        changed_first, changed_second = model(images)
        np.testing.assert_array_equal(changed_first, first)
        assert np.abs(changed_second - second).max() > 1e-4
        layer.set_weights(kernel)


def test_outputs_start_near_zero():
    """Heatmaps mostly are zero: a start far from it costs hundreds of steps."""
    outputs = models.build_generator(2, **SMALL)(random_images(4))
    for output in (*outputs["heatmaps"], outputs["depth"]):
        assert 0 < np.abs(output).max() < 0.1


def test_depth_comes_from_the_last_stacks_features_and_heatmaps():
    model = models.build_generator(2, **SMALL)
    enlarge(model, "stack2_heatmaps", "depth")
    images = random_images(1)
    before = model(images)["depth"].numpy()
    for name in ("depth_features", "depth_heatmaps", "stack2_heatmaps"):
        layer = model.get_layer(name)
        weights = layer.get_weights()
        layer.set_weights([weights[0] * 2, weights[1]])
        assert np.abs(model(images)["depth"] - before).max() > 1e-5, name
        layer.set_weights(weights)


def test_the_first_layer_subtracts_the_mean():
    mean = (0.1, 0.2, 0.3)
    with_mean, without = (models.build_hourglass(1, mean=m, **SMALL) for m in (mean, (0, 0, 0)))
    without.set_weights(with_mean.get_weights())
    images = random_images(1)
    np.testing.assert_allclose(
        with_mean(images)[0], without(images - np.float32(mean))[0], rtol=1e-4, atol=1e-5
    )


def test_the_trunk_starts_with_a_quarter_of_the_width():
    model = models.build_hourglass(1, image_size=32, width=32, depth=1)
    widths = [
        model.get_layer(name).filters for name in ("stem_conv", "stem_a_res1_3_conv", "stem_b_res1_3_conv")
    ]
    assert widths == [8, 16, 32]


def test_num_residuals_repeats_the_residuals_of_every_resolution():
    def count(residuals: int) -> int:
        model = models.build_hourglass(1, num_residuals=residuals, **SMALL)
        return sum("_res" in layer.name and layer.name.endswith("_add") for layer in model.layers)

    # 3 in the stem, 3 at the hourglass's one level and one at its bottom, one behind it.
    assert count(1) == 3 + 3 + 1 + 1
    assert count(2) == 2 * count(1)


def test_width_growth_widens_every_halving_and_leaves_the_trunk():
    model = models.build_generator(1, image_size=128, width=16, width_growth=8)

    def channels(name: str) -> int:
        return model.get_layer(name).output.shape[-1]

    down = {channels(f"stack1_hg{depth}_down_res1_add"): depth for depth in (4, 3, 2, 1)}
    back = {channels(f"stack1_hg{depth}_back_res1_add"): depth for depth in (4, 3, 2, 1)}
    assert down == {24: 4, 32: 3, 40: 2, 48: 1}
    assert back == {16: 4, 24: 3, 32: 2, 40: 1}
    assert [channels(f"depth_res{index}_add") for index in (1, 2, 3)] == [16, 24, 32]


def test_features_are_normalised_where_width_growth_changes_their_width():
    """Else each change may multiply them; they have reached 1e10. The stem is the public networks'."""
    model = models.build_generator(1, image_size=128, width=16, width_growth=8)

    def is_normalised(name: str) -> bool:
        features = model.get_layer(f"{name}_skip_conv").input
        return features is model.get_layer(f"{name}_1_relu").output

    names = [f"stack1_hg{depth}_{way}_res1" for depth in (4, 3, 2, 1) for way in ("down", "back")]
    assert all(is_normalised(name) for name in [*names, "depth_res2", "depth_res3"])
    assert not any(is_normalised(f"stem_{block}_res1") for block in "ab")


@pytest.mark.parametrize("build", [models.build_hourglass, models.build_generator])
@pytest.mark.parametrize("image_size", [32, 100, 0])
def test_an_image_size_that_cannot_be_halved_is_refused(build, image_size):
    with pytest.raises(ValueError, match=f"multiple of 64.*got {image_size}"):
        build(1, image_size=image_size, width=16)


def test_the_generator_is_the_hourglass_and_the_depth_module():
    """Freezing the 2D module, and loading public weights, go by these names."""
    generator = models.build_generator(2, **SMALL)
    names = [layer.name for layer in hourglass_layers(generator)]
    assert names == [layer.name for layer in models.build_hourglass(2, **SMALL).layers]
    rest = {layer.name for layer in generator.layers} - set(names)
    assert rest and all(name.startswith(DEPTH_PREFIX) for name in rest)


@pytest.mark.parametrize(
    "build",
    [
        lambda: models.build_generator(2, **SMALL),
        lambda: models.build_discriminator(**SMALL_D),
        lambda: models.build_discriminator(spectral_norm=True, **SMALL_D),
    ],
)
def test_every_layer_has_a_name_of_ours(build):
    """Keras numbers the layers that it names itself, so they differ from model to model."""
    first, second = build(), build()
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    assert [variable.path for variable in first.variables] == [
        variable.path for variable in second.variables
    ]


def test_upsampling_is_the_same_in_training_and_inference():
    """To the bit: it is one operation with two implementations."""
    features = np.random.default_rng(0).normal(size=(2, 5, 3, 4)).astype(np.float32)
    layer = blocks.Upsample2x()
    expected = features.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(layer(features, training=True), expected)
    np.testing.assert_array_equal(layer(features, training=False), expected)


def test_softmax_heatmaps_are_like_drawn_ones_in_sum_and_order():
    """As much on each map as `heatmaps.draw` puts there, the highest cell where the logits' is."""
    generator = models.build_generator(2, softmax_heatmaps=True, **SMALL)
    shake_weights(generator)
    found = generator(random_images(2))["heatmaps"]
    side = SMALL["image_size"]
    total = tf.reduce_sum(heatmaps.draw(tf.fill([1, 1, 2], side / 2), side // 4))
    for stack, maps in enumerate(found, start=1):
        np.testing.assert_allclose(tf.reduce_sum(maps, axis=[1, 2]), np.full((2, 16), total), rtol=1e-3)
        logits = keras.Model(generator.input, generator.get_layer(f"stack{stack}_heatmaps").output)
        flat = [tf.reshape(each, [2, -1, 16]) for each in (maps, logits(random_images(2)))]
        np.testing.assert_array_equal(*(tf.argmax(each, axis=1) for each in flat))


def test_the_gradient_of_upsampling_compiles_under_xla():
    """That of a resize does not, on CPUs."""
    layer = blocks.Upsample2x()

    @tf.function(jit_compile=True)
    def gradient(features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = tf.reduce_sum(layer(features, training=True))
        return tape.gradient(loss, features)

    np.testing.assert_array_equal(gradient(tf.zeros([1, 3, 3, 2])), tf.fill([1, 3, 3, 2], 4.0))


def test_a_residual_adds_its_unnormalised_input():
    """With its last convolution at 0 the branch adds nothing, and the input passes untouched."""
    features = keras.Input((4, 4, 6))
    model = keras.Model(features, blocks.residual(features, 6, "block"))
    shake_weights(model)
    last = model.get_layer("block_3_conv")
    last.set_weights([np.zeros_like(weights) for weights in last.get_weights()])
    values = np.random.default_rng(0).normal(size=(1, 4, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(model(values), values)


def test_batch_norm_is_pytorchs():
    """Public checkpoints were trained with these, Keras' own defaults differ."""
    norms = [
        layer
        for layer in models.build_generator(1, **SMALL).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert norms and all((layer.epsilon, layer.momentum) == (1e-5, 0.9) for layer in norms)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_outputs_are_float32_under_mixed_precision(policy, set_policy):
    """Heatmaps, depths and logits go into losses; only what lies before them may be rounded."""
    set_policy(policy)
    generator = models.build_generator(1, **SMALL)
    outputs = generator(random_images(1), training=True)
    assert generator.get_layer("stem_conv").compute_dtype == policy.removeprefix("mixed_")
    assert outputs["heatmaps"][0].dtype == outputs["depth"].dtype == tf.float32
    for spectral_norm in (False, True):
        model = models.build_discriminator(spectral_norm=spectral_norm, **SMALL_D)
        assert model(discriminator_inputs(), training=True)["logit"].dtype == tf.float32, spectral_norm


@pytest.mark.parametrize(
    "sources", [some for count in (1, 2, 3) for some in itertools.combinations(SOURCES, count)]
)
def test_the_discriminator_judges_by_the_chosen_sources_alone(sources):
    model = models.build_discriminator(sources, **SMALL_D)
    inputs = {name: tf.constant(value) for name, value in discriminator_inputs().items()}
    chosen = {name: inputs[name] for name in sources}
    with tf.GradientTape() as tape:
        tape.watch(chosen)
        logit = model(chosen)["logit"]
    assert set(model.input) == set(sources)
    assert logit.shape == (2, 1)
    for name, gradient in tape.gradient(logit, chosen).items():
        assert np.abs(gradient).max() > 0, name


def test_the_discriminator_looks_at_each_pose_for_itself():
    """No batch statistics: they alone would tell real batches from fake ones."""
    model = models.build_discriminator(**SMALL_D)
    inputs = discriminator_inputs(3)
    together = model(inputs, training=True)["logit"]
    alone = model({name: value[:1] for name, value in inputs.items()}, training=True)["logit"]
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


def test_spectral_norm_bounds_every_layer():
    """After some power iterations the largest singular value of every kernel is 1."""
    model = models.build_discriminator(("geometry", "maps"), spectral_norm=True, **SMALL_D)
    inputs = discriminator_inputs(1)
    for _ in range(30):
        model({name: inputs[name] for name in model.input}, training=True)
    kernels = [variable for variable in model.trainable_variables if variable.path.endswith("kernel")]
    assert len(kernels) == sum(layer.name.endswith("_sn") for layer in model.layers) == 7
    for kernel in kernels:
        matrix = ops.convert_to_numpy(kernel).reshape(-1, kernel.shape[-1])
        assert np.linalg.norm(matrix, 2) == pytest.approx(1, abs=0.05), kernel.path


@pytest.mark.parametrize("sources", [(), ("image", "image"), ("image", "depth"), "image"])
def test_wrong_sources_are_refused(sources):
    with pytest.raises(ValueError, match="one or more of the sources.*'image', 'geometry', 'maps'"):
        models.build_discriminator(sources, **SMALL_D)


@pytest.mark.parametrize("kind", ["generator", "discriminator", "discriminator with spectral norm"])
def test_a_saved_model_comes_back_the_same(kind, tmp_path):
    if kind == "generator":
        model, inputs = models.build_generator(1, mean=(0.1, 0.2, 0.3), **SMALL), random_images(2)
    else:
        model = models.build_discriminator(spectral_norm="spectral" in kind, **SMALL_D)
        inputs = discriminator_inputs()
    shake_weights(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    tf.nest.map_structure(np.testing.assert_array_equal, loaded(inputs), model(inputs))


def imported_modules(path: pathlib.Path) -> set[str]:
    """But for what is imported only where Keras runs on TensorFlow anyway."""
    names, nodes = set(), [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "keras.backend.backend() == 'tensorflow'":
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def reached_modules(path: pathlib.Path, seen: set[pathlib.Path]) -> set[str]:
    """Everything that `path` imports, itself or through modules of this package."""
    names = imported_modules(path)
    for name in list(names):
        inner = PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name.startswith("tf_advpose.") and inner.is_file() and inner not in seen:
            seen.add(inner)
            names |= reached_modules(inner, seen)
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.glob("models/*.py")) + [PACKAGE / "metrics.py", PACKAGE / "skeleton.py"], ids=str
)
def test_networks_metrics_and_skeleton_import_no_tensorflow(path):
    """So that the networks build on any Keras backend, and metrics run without any."""
    assert not {
        name for name in reached_modules(path, set()) if name.split(".")[0] in ("tensorflow", "absl")
    }


def test_the_import_check_would_notice():
    assert "tensorflow" in reached_modules(PACKAGE / "encoding.py", set())
    assert "tensorflow" in reached_modules(PACKAGE / "config.py", set())  # through losses.py

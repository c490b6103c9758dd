"""Sample weights and class weights of rows, steps and pixels."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, r2_score

from domain.job.recipe import Component, Fit, OutputRecipe, Recipe
from domain.job.resolve import resolve
from tests.support.keras_cases import load_cases, make_job_request
from tests.worker.child import in_child
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import Jobs, node, start
from worker.training.hardware.environment import pin
from worker.training.rows.sample_weights import compute_class_weights, compute_sample_weights
from worker.training.steps import make_row_order

ROWS: tuple[None] = (None,)


def keras_class_weights(target: Any, weights: dict[str, float]) -> Any:
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    by_index = {int(index): weight for index, weight in weights.items()}
    return class_weight_to_sample_weights(target, by_index)


@pytest.mark.parametrize(
    "target",
    [
        np.array([0, 2, 1, 2]),
        np.array([[0.0], [2.0], [1.0], [7.0]]),
        np.eye(3)[[0, 2, 1, 2]],
    ],
    ids=["indices", "column", "one-hot"],
)
def test_class_weights_are_those_of_keras(target: Any) -> None:
    weights = {"1": 0.5, "2": 3.0}

    ours = compute_class_weights(target, weights, 1)
    assert np.array_equal(ours, keras_class_weights(target, weights))
    assert {0.5, 1.0} <= set(ours.tolist())


@pytest.mark.parametrize("shape", [(4,), (4, 5), (4, 2, 3), (4, 1), (4, 5, 1)])
def test_each_position_has_the_weight_of_its_class(shape: tuple[int, ...]) -> None:
    indices = np.random.default_rng(0).integers(0, 3, shape)
    weights, table = {"1": 0.5, "2": 3.0}, np.array([1.0, 0.5, 3.0])
    expected = table[indices]

    for target in (indices, indices[..., np.newaxis], np.eye(3)[indices]):
        assert np.array_equal(compute_class_weights(target, weights, len(shape)), expected)


def weigh(weight: Any, positions: Any, loss: Any = "mse", **output: Any) -> Any:
    made = OutputRecipe(loss=loss, target="label", sample_weight="trust", **output)
    arrays = {"label": np.array([[0, 1, 2], [2, 2, 0]]), "trust": np.asarray(weight)}
    return compute_sample_weights(made, arrays, positions, apply_class_weights=True)


def test_sample_weights_are_multiplied_by_class_weights() -> None:
    output = OutputRecipe(
        loss="mse", target="label", sample_weight="trust", class_weight={"2": 10.0}
    )
    arrays = {"label": np.array([0.0, 2.0]), "trust": np.array([0.5, 0.5])}

    both = compute_sample_weights(output, arrays, ROWS, apply_class_weights=True)
    column = compute_sample_weights(output, arrays, ROWS, apply_class_weights=False)

    assert both is not None
    assert both.tolist() == [0.5, 5.0]
    assert column is not None
    assert np.shares_memory(column, arrays["trust"])
    assert column.tolist() == [0.5, 0.5]


def test_weights_of_rows_are_multiplied_by_the_class_weights_of_their_steps() -> None:
    found = weigh([0.5, 2.0], (None, 3), class_weight={"2": 10.0})
    assert found.tolist() == [[0.5, 0.5, 5.0], [20.0, 20.0, 2.0]]


@pytest.mark.parametrize(
    ("shape", "positions", "expected"),
    [
        ((2,), (None,), (2,)),
        ((2, 1), (None,), (2,)),
        ((2,), (None, 3), (2, 1)),
        ((2,), (None, 3, 4), (2, 1, 1)),
        ((2, 3), (None, 3), (2, 3)),
        ((2, 3, 1), (None, 3), (2, 3)),
        ((2, 3), (None, 3, 4), (2, 3, 1)),
        ((2, 1), (None, 3), (2, 1)),
    ],
)
def test_weights_get_the_axes_of_the_losses_values(
    shape: Any, positions: Any, expected: Any
) -> None:
    assert weigh(np.ones(shape), positions).shape == expected


def test_a_loss_that_is_divided_by_its_weights_counts_each_position() -> None:
    loss = Component(type="MeanSquaredError", config={"reduction": "mean_with_sample_weight"})
    assert weigh([1.0, 2.0], (None, 3), loss).tolist() == [[1.0] * 3, [2.0] * 3]
    assert weigh([1.0, 2.0], (None, None), loss).tolist() == [[1.0] * 3, [2.0] * 3]


def train_case(jobs: Jobs, name: str, **fields: Any) -> list[Any]:
    """Returns the metrics of each epoch of a case."""
    request = load_cases()[name]["request"]
    job = make_job_request(request)
    graph, data = request["graph"], request["dataset"]
    dtypes = data["dtypes"]
    columns = {
        column: np.asarray(values, dtypes.get(column)) for column, values in data["columns"].items()
    }
    inputs = [item["name"] for item in graph["inputs"]]
    recipe, faults = resolve(job, inputs, graph["outputs"], [*columns])
    assert faults == []
    attempt = start(jobs.train(graph, columns, recipe, job.fit, seed=job.seed, **fields))
    attempt.finish()
    return attempt.metrics()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("class-weight-per-pixel-4x4", "weights per pixel"),
        ("class-weight-per-step-batch4", "weights by each step's class"),
        ("class-and-row-weights-for-sequences", "history"),
        ("row-weights-for-sequences-batch4", "each row's loss times its weight"),
        ("row-weights-for-pictures-batch3", "each row's loss times its weight"),
    ],
)
def test_the_losses_of_weighted_steps_and_pixels(jobs: Jobs, name: str, key: str) -> None:
    expected = [epoch["loss"] for epoch in load_cases()[name]["expected"][key]]
    found = [epoch["loss"] for epoch in train_case(jobs, name)]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_weights_of_rows_are_those_of_rows_on_several_devices(jobs: Jobs) -> None:
    name = "row-weights-for-sequences-batch4"
    (found,) = train_case(jobs, name, device="cpu", devices=2)
    assert found["loss"] == pytest.approx(2.214630126953125, rel=1e-5)


def test_a_metric_needs_no_loss(jobs: Jobs) -> None:
    (found,) = train_case(jobs, "metric-without-loss")
    assert {*found} == {"loss", "z_mae"}


STEPS: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [6], "dtype": "int32"}],
    "nodes": [
        node("words", "Embedding", "x", input_dim=20, output_dim=8, mask_zero=True),
        node("encoded", "GRU", "words", units=8, return_sequences=True),
        node("y", "Dense", "encoded", units=3, activation="softmax"),
    ],
    "outputs": ["y"],
}
WEIGHTS = {"1": 4.0, "2": 0.25}


def step_columns(rows: int = 50) -> dict[str, Any]:
    """Columns for `STEPS` with masked steps; 50 rows leave a last batch of 18."""
    random = np.random.default_rng(4)
    x = random.integers(1, 20, (rows, 6))
    x[np.arange(6) >= random.integers(2, 7, (rows, 1))] = 0
    return {"x": x, "y": random.integers(0, 3, (rows, 6)), "trust": random.random(rows)}


def step_recipe(loss: Any, **output: Any) -> Recipe:
    made = OutputRecipe(loss=loss, target="y", sample_weight="trust", **output)
    return Recipe(optimizer="sgd", jit_compile=False, inputs={"x": ["x"]}, outputs={"y": made})


def weights_by_keras(
    seed: int, columns: dict[str, Any], classes: Any, config: Any
) -> list[np.ndarray[Any, Any]]:
    """The weights of plain Keras, which gets a weight for each step."""
    import keras
    from keras import layers

    pin(deterministic=True)
    keras.utils.set_random_seed(seed)
    x = keras.Input((6,), dtype="int32", name="x")
    words = layers.Embedding(20, 8, mask_zero=True)(x)  # layers are made in the graph's order
    encoded = layers.GRU(8, return_sequences=True)(words)
    model = keras.Model(x, layers.Dense(3, activation="softmax")(encoded))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(**config))
    table = np.array([classes.get(str(i), 1.0) for i in range(3)], np.float32)
    each = np.repeat(columns["trust"][:, None].astype(np.float32), 6, axis=1)
    each = each * table[columns["y"]]
    for epoch in range(2):
        rows = make_row_order(seed, epoch, len(each), shuffle=True)
        x_rows, y_rows = columns["x"][rows], columns["y"][rows]
        model.fit(x_rows, y_rows, sample_weight=each[rows], shuffle=False, verbose=0)
    found: list[np.ndarray[Any, Any]] = model.get_weights()
    return found


@pytest.mark.parametrize(
    ("classes", "config"),
    [
        (WEIGHTS, {}),
        pytest.param({}, {}, marks=pytest.mark.slow),
        pytest.param({}, {"reduction": "mean_with_sample_weight"}, marks=pytest.mark.slow),
        pytest.param(WEIGHTS, {"reduction": "sum"}, marks=pytest.mark.slow),
    ],
)
def test_the_weights_equal_those_of_keras_with_a_weight_for_each_step(
    jobs: Jobs, classes: Any, config: Any
) -> None:
    columns = step_columns()
    loss = Component(type="SparseCategoricalCrossentropy", config=config)
    task = jobs.train(
        STEPS, columns, step_recipe(loss, class_weight=classes or None), Fit(epochs=2)
    )
    attempt = start(task)
    attempt.finish()

    theirs = in_child(weights_by_keras, task.seed, columns, classes, config)
    ours = attempt.weights()
    assert np.array_equal(ours["words/embeddings"], theirs[0])
    assert np.array_equal(ours["y/kernel"], theirs[-2])
    assert np.array_equal(ours["y/bias"], theirs[-1])


@pytest.mark.slow
def test_a_training_with_weighted_steps_resumes_with_the_same_bits(jobs: Jobs) -> None:
    made = step_recipe("sparse_categorical_crossentropy", class_weight=WEIGHTS)
    fit = Fit(epochs=3, batch_size=2, validation_split=0.2)
    task = jobs.train(STEPS, step_columns(2_000), made, fit)
    whole = start(task)
    whole.finish()
    _, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(1))
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()
    assert_same(resumed, whole)


NUMBERS: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [2]}],
    "nodes": [
        node("scaled", "Dense", "x", units=1),
        {"name": "y", "op": "squeeze", "inputs": "scaled", "config": {"axis": -1}},
    ],
    "outputs": ["y"],
}


@pytest.mark.slow
@pytest.mark.parametrize("weight", [(4,), (4, 1)])
def test_an_output_of_single_numbers_has_a_weight_for_each_row(jobs: Jobs, weight: Any) -> None:
    random = np.random.default_rng(0)
    columns = {"x": random.random((4, 2)), "y": random.random(4)}
    columns["trust"] = np.array([0.0, 1.0, 5.0, 2.0]).reshape(weight)
    made = step_recipe("mse")
    fit = Fit(batch_size=4, shuffle=False)
    task = jobs.train(NUMBERS, columns, made, fit)
    attempt = start(task)
    attempt.finish()
    untrained = start(jobs.build(NUMBERS))
    untrained.finish()
    kernel = untrained.weights()["scaled/kernel"]
    difference = (columns["x"] @ kernel)[:, 0] - columns["y"]
    expected = np.mean(difference**2 * columns["trust"].ravel())
    assert attempt.metrics()[0]["loss"] == pytest.approx(expected, rel=1e-5)


TAGS: dict[str, Any] = {
    **STEPS,
    "nodes": [*STEPS["nodes"][:-1], node("y", "Dense", "encoded", units=1, activation="sigmoid")],
}


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [True, False])
def test_masked_steps_take_a_target_without_the_last_axis(jobs: Jobs, weighted: bool) -> None:
    """Keras would take the mean of all steps as the value of a row, with masked ones."""
    columns = step_columns(48)
    columns["y"] = columns["y"] % 2
    made = step_recipe("binary_crossentropy")
    if not weighted:
        made.outputs["y"] = made.outputs["y"].model_copy(update={"sample_weight": None})
    attempts = []
    for target in (columns["y"], columns["y"][..., np.newaxis]):
        task = jobs.train(TAGS, {**columns, "y": target}, made, Fit(epochs=2, batch_size=6))
        attempts.append(start(task))
        attempts[-1].finish()
    assert_same(*attempts)


@pytest.mark.slow
@pytest.mark.parametrize("target", [(4, 5), (4, 5, 1)])
def test_a_summed_loss_counts_each_step(jobs: Jobs, target: Any) -> None:
    """Without the last axis, Keras would sum the means of the rows."""
    steps = {
        "inputs": [{"name": "x", "shape": [5, 2]}],
        "nodes": [node("y", "Dense", "x", units=1)],
        "outputs": ["y"],
    }
    random = np.random.default_rng(0)
    columns = {"x": random.random((4, 5, 2)), "y": random.random(target)}
    loss = Component(type="MeanSquaredError", config={"reduction": "sum"})
    made = step_recipe(loss)
    made.outputs["y"] = made.outputs["y"].model_copy(update={"sample_weight": None})
    attempt = start(jobs.train(steps, columns, made, Fit(batch_size=4)))
    attempt.finish()
    untrained = start(jobs.build(steps))
    untrained.finish()
    difference = (columns["x"] @ untrained.weights()["y/kernel"])[..., 0]
    expected = np.sum((difference - columns["y"].reshape(4, 5)) ** 2)
    assert attempt.metrics()[0]["loss"] == pytest.approx(expected, rel=1e-5)


def test_metrics_of_single_numbers_compare_each_row_with_its_own_target(jobs: Jobs) -> None:
    """Keras's `hinge` would compare each row with the targets of all rows of its batch."""
    lines = {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": [node("y", "Dense", "x", units=1)],
        "outputs": ["y"],
    }
    random = np.random.default_rng(0)
    columns = {"x": random.random((6, 2)), "y": np.array([1.0, 0, 0, 1, 1, 0])}
    f1 = Component(type="F1Score", config={"threshold": 0.3, "average": "macro"})
    made = step_recipe("mse", metrics=["hinge", "mae", Component(type="R2Score"), f1])
    made.outputs["y"] = made.outputs["y"].model_copy(update={"sample_weight": None})
    frozen = made.model_copy(
        update={"optimizer": Component(type="SGD", config={"learning_rate": 0.0})}
    )
    attempt = start(jobs.train(lines, columns, frozen, Fit(batch_size=6)))
    attempt.finish()
    output = (columns["x"] @ attempt.weights()["y/kernel"])[:, 0]
    (found,) = attempt.metrics()
    hinge = np.mean(np.maximum(1 - (2 * columns["y"] - 1) * output, 0))
    assert found["r2_score"] == pytest.approx(r2_score(columns["y"], output), rel=1e-4)
    assert found["f1_score"] == pytest.approx(f1_score(columns["y"], output > 0.3), rel=1e-5)
    assert found["hinge"] == pytest.approx(hinge, rel=1e-5)
    assert found["mae"] == pytest.approx(np.mean(np.abs(columns["y"] - output)), rel=1e-5)
    assert found["loss"] == pytest.approx(np.mean((columns["y"] - output) ** 2), rel=1e-5)

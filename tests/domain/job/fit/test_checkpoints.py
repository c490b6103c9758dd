"""Which epochs are kept, and the faults of the rule."""

from typing import Any

import pytest

from domain.job.fit.checkpoints import Policy, find_checkpoint_faults, get_rule
from domain.job.job import Epoch, JobRequest
from domain.job.recipe import Checkpoints, Component, Fit

NAN = float("nan")
LOSSES = [5.0, NAN, 4.0, 4.5, 4.0, 3.0, 3.5, 3.6]
"""The monitored metric of the epochs 1 to 8."""


def kept(direction: Any = "min", **rule: Any) -> list[list[int]]:
    """The epochs that are kept after each epoch."""
    policy, found = Policy(Checkpoints(**rule), direction), []
    present: set[int] = set()
    for epoch, loss in enumerate(LOSSES, 1):
        is_kept, dropped = policy.decide(epoch, {"loss": loss})
        present = (present | ({epoch} if is_kept else set())) - {*dropped}
        assert sorted(present) == policy.kept
        found.append(policy.kept)
    return found


def test_every_epoch_is_kept_or_every_so_many() -> None:
    assert kept()[-1] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert kept(every=3)[-1] == [3, 6]
    assert kept(every=2, keep=2) == [[], [2], [2], [2, 4], [2, 4], [4, 6], [4, 6], [6, 8]]


def test_the_best_alone_is_one_and_stays_beside_the_latest() -> None:
    assert kept(best="loss") == [[1], [1], [3], [3], [3], [6], [6], [6]]
    assert kept(best="loss", keep=2)[-1] == [3, 6]
    assert kept(best="loss", every=1, keep=1) == [
        [1],
        [1, 2],
        [3],
        [3, 4],
        [3, 5],
        [6],
        [6, 7],
        [6, 8],
    ]
    assert kept("max", best="loss")[-1] == [1]


def test_a_resumed_policy_decides_as_the_first_one() -> None:
    epochs = [Epoch(epoch=i, seconds=1, metrics={"loss": x}) for i, x in enumerate(LOSSES, 1)]
    whole, resumed = (Policy(Checkpoints(best="loss", every=2, keep=2)) for _ in range(2))
    whole.replay(epochs)
    resumed.replay(epochs[:5])
    resumed.replay(epochs[5:])
    assert whole == resumed


def faults(**fit: Any) -> list[tuple[str, str]]:
    sent = {"graph": "graph_" + "0" * 26, "dataset": "dataset_" + "0" * 26, "fit": fit}
    found = find_checkpoint_faults(JobRequest.model_validate(sent))
    return [(fault.pointer, fault.detail) for fault in found]


def callback(**config: Any) -> dict[str, Any]:
    return {"callbacks": [{"type": "ModelCheckpoint", "config": config}], "epochs": 9}


@pytest.mark.parametrize(
    ("fit", "place", "text"),
    [
        ({"epochs": 2, "checkpoints": {"every": 3}}, "/fit/checkpoints/every", "at most 2"),
        ({"epochs": 101, "checkpoints": {}}, "/fit/checkpoints", "at least 2"),
        ({"checkpoints": {"best": "val_loss"}}, "/fit/checkpoints/best", "validation_split"),
        ({"checkpoints": {"mode": "max"}}, "/fit/checkpoints/mode", "name its metric"),
        ({**callback(), "checkpoints": {}}, "/fit/callbacks/0", "twice"),
        (callback(every="x"), "/fit/callbacks/0/config/every", "integer"),
        (callback(filepath="x"), "/fit/callbacks/0/config/filepath", "names the files"),
        (callback(save_freq=5), "/fit/callbacks/0/config/save_freq", "end of epochs"),
        (callback(save_best_only=True), "/fit/callbacks/0/config/best", "no validation"),
    ],
)
def test_a_fault_of_the_rule_is_found_at_its_place(
    fit: dict[str, Any], place: str, text: str
) -> None:
    ((pointer, detail), *_) = faults(**fit)
    assert pointer == place
    assert text in detail


def test_a_model_checkpoint_takes_the_arguments_of_keras() -> None:
    config: dict[str, Any] = {"monitor": "loss", "save_best_only": True, "mode": "min"}
    fit = Fit(callbacks=[Component(type="ModelCheckpoint", config=config)])
    assert get_rule(fit) == Checkpoints(best="loss", mode="min")
    assert get_rule(Fit(callbacks=["ModelCheckpoint"])) == Checkpoints()
    assert get_rule(Fit()) is None
    assert not faults(epochs=101, checkpoints={"keep": 3})

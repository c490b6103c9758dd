"""Limits of graphs, checks and predictions."""

from pydantic import Field

from domain.graph.language import LONGEST_NAME
from domain.job.job import MOST_METADATA
from models_store.environment_settings import EnvironmentSettings

MIB, GIB = 2**20, 2**30


class Settings(EnvironmentSettings):
    """Limits of one graph, and of the processes that check graphs and predict."""

    max_parameters: int = Field(default=500_000_000, ge=1)
    """Maximum number of weights of one model; shared weights count once."""
    max_nodes: int = Field(default=5_000, ge=1)
    """Maximum number of nodes of one graph, including nested graphs."""
    max_layers: int = Field(default=10_000, ge=1)
    """Maximum number of layers of one graph, including layers in wrappers and nested graphs."""
    max_references: int = Field(default=250_000, ge=1)
    """Maximum number of references in the inputs of the nodes of one graph, including nested
    graphs."""
    max_calls: int = Field(default=20_000, ge=1)
    """Maximum number of calls in one graph: its nodes, the nodes of a nested graph at each call of
    it, and the steps of unrolled recurrent layers."""
    max_values: int = Field(default=300_000, ge=1)
    """Maximum number of numbers and strings in the configs and calls of one graph, including
    vocabularies."""
    max_graph_depth: int = Field(default=32, ge=1)
    """Maximum depth of graphs in graphs, and of shared layers in shared layers."""
    max_name_length: int = Field(default=LONGEST_NAME, ge=1, le=LONGEST_NAME)
    """Maximum number of characters in the name of a node, an input, an output or a shared layer."""
    max_priority: int = Field(default=0, ge=0, le=1000)
    """Highest `priority` that a job may have; the lowest is -1000."""
    max_metadata: int = Field(default=64, ge=0, le=MOST_METADATA)
    """Maximum number of `metadata` keys of one job."""
    max_schedule_length: int = Field(default=1_000, ge=1)
    """Maximum number of items of one list in a learning rate schedule, e.g. the boundaries of
    `PiecewiseConstantDecay`; every training step computes with all of them."""
    max_list_length: int = Field(default=10_000, ge=1)
    """Maximum number of items of every other list in the `compile` and `fit` of a job, e.g. of its
    metrics, or of the thresholds of one metric."""
    max_weight_bytes: int = Field(default=4 * GIB, ge=1)
    """Maximum size of the weights of one model, in bytes."""
    max_activation_bytes: int = Field(default=4 * GIB, ge=1)
    """Maximum size of the outputs of all nodes for one row, in bytes."""
    max_predict_values: int = Field(default=2_000_000, ge=1)
    """Maximum number of numbers in the response to one prediction."""
    max_predict_bytes: int = Field(default=256 * MIB, ge=1)
    """Maximum number of bytes (rows times activation bytes of a row) that a prediction computes at
    once; more rows are computed in several parts."""
    max_predict_rows: int = Field(default=100_000, ge=1)
    """Maximum number of rows of one prediction."""
    predict_seconds: float = Field(default=60, gt=0)
    """Time limit of one prediction, and of the export of a model, in seconds."""
    predict_memory_bytes: int = Field(default=8 * GIB, ge=1)
    """Memory that a process may take for a prediction or an export beyond what it starts with, in
    bytes."""
    predict_processes: int = Field(default=2, ge=1)
    """Maximum number of processes that compute predictions. With two or more, one owner (one model,
    in a service without keys) never takes all of them."""
    predict_prepare_seconds: float = Field(default=60, ge=0)
    """Age up to which a new model is exported in the background, at the lowest priority, in
    seconds; its first prediction is then quick. 0: a model is exported at its first prediction."""
    predict_sessions: int = Field(default=8, ge=1)
    """Maximum number of loaded models; the least recently used model is unloaded first."""
    predict_cache_bytes: int = Field(default=10 * GIB, ge=1)
    """Maximum size of the folder `predict-cache` in the data folder, which contains models that are
    exported to ONNX, in bytes."""
    check_seconds: float = Field(default=30, gt=0)
    """Time limit of the check of one graph, in seconds."""
    check_memory_bytes: int = Field(default=2 * GIB, ge=1)
    """Memory that a child process may take for the check of one graph beyond what it starts with,
    in bytes."""
    checks_at_once: int = Field(default=2, ge=1)
    """Maximum number of graphs of one owner that are checked at the same time, each in a child
    process. The service checks as many more for all other owners together."""
    check_wait_seconds: float = Field(default=15, ge=0)
    """Time that a request waits for its turn to be checked or to upload, or for a free child
    process, in seconds; after it the answer is 503 with `Retry-After`."""

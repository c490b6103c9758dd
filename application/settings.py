"""Limits of graphs, checks and predictions."""

from pydantic import Field

from domain.graph.language import LONGEST_NAME
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
    max_weight_bytes: int = Field(default=4 * GIB, ge=1)
    """Maximum size of the weights of one model, in bytes."""
    max_activation_bytes: int = Field(default=1 * GIB, ge=1)
    """Maximum size of the outputs of all nodes for one row, in bytes."""
    max_predict_values: int = Field(default=2_000_000, ge=1)
    """Maximum number of numbers in the response to one prediction."""
    max_predict_bytes: int = Field(default=256 * MIB, ge=1)
    """Maximum number of bytes (rows times activation bytes of a row) of a prediction in the API
    process; a larger prediction runs in a child process."""
    max_predict_rows: int = Field(default=100_000, ge=1)
    """Maximum number of rows of one prediction."""
    predict_seconds: float = Field(default=60, gt=0)
    """Time limit of a prediction in a child process, and of the export of a model, in seconds."""
    predict_memory_bytes: int = Field(default=8 * GIB, ge=1)
    """Memory that a child process may take for a prediction or an export beyond what it starts
    with, in bytes."""
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
    """Maximum number of concurrent child processes for checks, exports and predictions."""
    check_wait_seconds: float = Field(default=5, ge=0)
    """Time that a request waits for a free child process, in seconds; after it the answer is 503
    with `Retry-After`."""

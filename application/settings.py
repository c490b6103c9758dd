"""Limits of graphs, checks and predictions."""

from pydantic import Field

from domain.graph.language import LONGEST_NAME
from models_store.environment import EnvironmentSettings

MIB, GIB = 2**20, 2**30


class Settings(EnvironmentSettings):
    """Limits of one graph, and of the processes that check graphs and predict."""

    max_parameters: int = Field(default=500_000_000, ge=1)
    """Weights of one model, counted once however often they are shared."""
    max_nodes: int = Field(default=5_000, ge=1)
    """Nodes of one graph, those of nested graphs included."""
    max_layers: int = Field(default=10_000, ge=1)
    """Layers of one graph, those inside wrappers and nested graphs included."""
    max_references: int = Field(default=250_000, ge=1)
    """What the nodes of one graph take as inputs, those of nested graphs included."""
    max_calls: int = Field(default=20_000, ge=1)
    """Nodes of one graph, those of a nested graph counted at every call of it, and the steps of
    its unrolled recurrent layers."""
    max_values: int = Field(default=300_000, ge=1)
    """Numbers and texts that the configs and calls of one graph hold, vocabularies included."""
    max_graph_depth: int = Field(default=32, ge=1)
    """How deep graphs nest in graphs, and shared layers hold one another."""
    max_name_length: int = Field(default=LONGEST_NAME, ge=1, le=LONGEST_NAME)
    """Characters in the name of a node, an input, an output or a shared layer."""
    max_weight_bytes: int = Field(default=4 * GIB, ge=1)
    """Of one model's weights."""
    max_activation_bytes: int = Field(default=1 * GIB, ge=1)
    """Of all nodes' outputs for one row."""
    max_predict_values: int = Field(default=2_000_000, ge=1)
    """Numbers in one answer of a prediction."""
    max_predict_bytes: int = Field(default=256 * MIB, ge=1)
    """Rows times activation bytes that one prediction may need inside the API process; a larger
    one runs in a process of its own."""
    max_predict_rows: int = Field(default=100_000, ge=1)
    """Rows of one prediction."""
    predict_seconds: float = Field(default=60, gt=0)
    """How long a prediction, or the export before a model's first one, may take."""
    predict_memory_bytes: int = Field(default=8 * GIB, ge=1)
    """Memory that such a process may take beyond what it starts with."""
    predict_sessions: int = Field(default=8, ge=1)
    """Models held ready for predictions in memory."""
    predict_cache_bytes: int = Field(default=10 * GIB, ge=1)
    """Of models exported to ONNX that one machine keeps in `predict-cache` in the data folder."""
    check_seconds: float = Field(default=30, gt=0)
    """How long the check of one graph may take."""
    check_memory_bytes: int = Field(default=2 * GIB, ge=1)
    """Memory that the check of one graph may take beyond what its process starts with."""
    checks_at_once: int = Field(default=2, ge=1)
    """Checks, and predictions in a process of their own, that run side by side."""
    check_wait_seconds: float = Field(default=5, ge=0)
    """How long a request waits for its turn before it is told to come back later."""

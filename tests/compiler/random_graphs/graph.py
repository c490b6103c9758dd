"""One graph that is being drawn, with the shared layers that it can see."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.compiler.random_graphs.layers.kinds import FLAGS, Config, Draw, Shape
from tests.compiler.random_graphs.tensors import Tensor

MOST_CALLS = 24
"""Most calls of layers and functions in a graph, nested and repeated ones included."""
_NODES = st.sampled_from(["n", "x", "dense", "model", "lstm", "functional"])
_SHARED = st.sampled_from(["shared", "dense", "x"])
_OUTPUTS = st.sampled_from(["out", "x", "model"])


@dataclass(frozen=True)
class Entry:
    """A shared layer and its first use."""

    name: str
    layer: Config
    fixed: Any
    """What further calls must share with the first one, because of the weights."""
    graph: "Graph | None" = None

    @property
    def type(self) -> str:
        return str(self.layer["type"])


@dataclass
class Shelf:
    """The `layers` of one graph that is being drawn."""

    layers: dict[str, Config] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


@dataclass
class Graph:
    """One graph that is being drawn."""

    draw: Draw
    inputs: list[Tensor]
    grow: "Callable[[Graph, int], None]"
    """Adds this number of nodes and then the outputs."""
    outer: tuple[Shelf, ...] = ()
    shared_names: set[str] = field(default_factory=set)
    """The names of all shared layers, since no name may shadow another."""
    single: bool = False
    """Whether each node takes the previous tensor, so that the graph has one output."""
    most_calls: int = MOST_CALLS
    calls: int = 0
    shelf: Shelf = field(default_factory=Shelf)
    nodes: list[Config] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    outputs: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tensors += self.inputs

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        return (*self.outer, self.shelf)

    @property
    def entries(self) -> list[Entry]:
        """All visible shared layers."""
        return [entry for shelf in self.shelves for entry in shelf.entries]

    def definition(self) -> Config:
        """Return the graph in the graph language, with its nodes in a random order."""
        inputs = [{"name": t.ref, "shape": [*t.shape], "dtype": t.dtype} for t in self.inputs]
        bare = self.draw(FLAGS)
        outputs = [
            name if bare and name == tensor.ref else {"name": name, "from": tensor.ref}
            for name, tensor in self.outputs.items()
        ]
        nodes = self.draw(st.permutations(self.nodes))
        return {"inputs": inputs, "layers": self.shelf.layers, "nodes": nodes, "outputs": outputs}

    def one_of(self, choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def share(self, layer: Config, fixed: Any, shelf: Shelf, graph: "Graph | None" = None) -> str:
        """Add a shared layer and return its name."""
        name = free(self.draw(_SHARED), self.shared_names)
        self.shared_names.add(name)
        shelf.layers[name] = layer
        shelf.entries.append(Entry(name, layer, fixed, graph))
        return name

    def candidates(self, fits: Callable[[Tensor], bool]) -> list[Tensor]:
        """Return the tensors of that kind that the next node may take as its first input."""
        among = self.tensors[-1:] if self.single else self.tensors
        return [t for t in among if fits(t)]

    def affords(self, graph: "Graph", times: int = 1) -> bool:
        return self.calls + times * graph.calls <= self.most_calls

    def read(self, *tensors: Tensor) -> list[str]:
        """Mark tensors as used and return the references to them."""
        self.used |= {t.target for t in tensors}
        return [t.ref for t in tensors]

    def add(self, results: list[Tensor], name: str | None = None, **node: Any) -> None:
        """Add a node. The `ref` of each result is what follows the node's name in references."""
        name = free(name or self.draw(_NODES), {t.target for t in self.tensors})
        self.calls += 1
        self.nodes.append({"name": name, **node})
        self.tensors += [t.named(name + t.ref) for t in results]

    def call(self, made: Config | str, x: Tensor, shape: Shape, **call: Any) -> None:
        """Add a call of a layer with one input; the node may have the name of a shared layer."""
        name = made if isinstance(made, str) and self.draw(FLAGS) else None
        refs = self.read(x)
        inputs = refs if self.draw(FLAGS) else refs[0]
        result = Tensor("", shape, masked=x.masked)
        self.add([result], name, layer=made, inputs=inputs, call=call)

    def close(self) -> None:
        """Make outputs of all unused tensors and perhaps of others."""
        loose = {t.target: t for t in self.tensors if t.target not in self.used}
        wanted = [*loose.values()]
        if not self.single:
            wanted += self.draw(st.lists(st.sampled_from(self.tensors), max_size=2))
        for tensor in wanted:
            as_it_is = ":" not in tensor.ref and tensor.ref not in self.outputs
            if as_it_is and self.draw(FLAGS):
                self.outputs[tensor.ref] = tensor
            else:
                self.outputs[free(self.draw(_OUTPUTS), self.outputs)] = tensor


def free(wanted: str, taken: Any) -> str:
    """Return the name, followed by a number if it is taken."""
    return next(n for n in [wanted, *(f"{wanted}_{i}" for i in range(99))] if n not in taken)

"""`/v1/graphs`: checks, stores, lists, returns and deletes graphs, and uses them as layers."""

from typing import Any

import httpx
import pytest

from tests.api.requests import DENSE, faults, graph, made


def post(client: httpx.Client, definition: Any, **extra: Any) -> httpx.Response:
    return client.post("/v1/graphs", json={"definition": definition, **extra})


def test_a_graph_is_checked_stored_and_returned(client: httpx.Client) -> None:
    answer = post(client, graph(), name="small")
    body = made(answer)
    assert answer.headers["location"] == f"/v1/graphs/{body['id']}"
    assert body["name"] == "small"
    assert body["summary"]["nodes"] == [
        {"name": "y", "layer": "Dense", "shape": [None, 3], "parameters": 15}
    ]
    assert body["summary"]["bytes"]["weights"] == 60
    assert client.get(f"/v1/graphs/{body['id']}").json() == body
    assert client.get("/v1/graphs").json()["items"][0] == body
    assert client.delete(f"/v1/graphs/{body['id']}").status_code == 204
    faults(client.get(f"/v1/graphs/{body['id']}"), 404)


def test_validate_only_stores_nothing(client: httpx.Client) -> None:
    before = client.get("/v1/graphs").json()
    answer = client.post("/v1/graphs?validate_only=true", json={"definition": graph()})
    body = made(answer, 200)
    assert body["summary"]["parameters"]["total"] == 15
    assert "id" not in body
    assert client.get("/v1/graphs").json() == before


def test_a_list_is_sorted_from_new_to_old(client: httpx.Client) -> None:
    ids = [made(post(client, graph()))["id"] for _ in range(3)]
    first = client.get("/v1/graphs", params={"page_size": 2}).json()
    assert [item["id"] for item in first["items"]] == ids[:0:-1]
    second = client.get("/v1/graphs", params={"page_size": 1, "cursor": first["next_cursor"]})
    assert second.json()["items"][0]["id"] == ids[0]


def test_invalid_parameters_of_a_page_are_rejected(client: httpx.Client) -> None:
    for query in (
        "page_size=0",
        "page_size=x",
        "cursor=nonsense",
        "cursor=XwA",
        "cursor=a&cursor=b",
    ):
        name = query.partition("=")[0]
        found = faults(client.get(f"/v1/graphs?{query}"))
        assert name in found[""], found


def test_the_names_in_a_stored_graph_are_its_own(client: httpx.Client) -> None:
    """A name that an enclosing graph has as well refers to the layer of the stored graph."""
    shared = graph("shared", layers={"shared": DENSE})
    inner = made(post(client, shared))["id"]
    wide = {"type": "Dense", "config": {"units": 4}}
    outer = graph(layers={"shared": wide})
    outer["nodes"] = [
        {"name": "a", "layer": "shared", "inputs": "x"},
        {"name": "y", "layer": {"type": "Graph", "graph": inner}, "inputs": "a"},
    ]
    body = made(post(client, outer))
    assert body["definition"]["nodes"][1]["layer"]["graph"] == inner
    assert [node["parameters"] for node in body["summary"]["nodes"]] == [20, 15]
    written_out = {**outer, "nodes": [outer["nodes"][0], {**outer["nodes"][1]}]}
    written_out["nodes"][1]["layer"] = {"type": "Graph", "graph": shared}
    assert "/definition/nodes/1/layer/graph/layers/shared" in faults(post(client, written_out))


def test_a_wrapper_accepts_a_stored_graph(client: httpx.Client) -> None:
    inner = made(post(client, graph()))["id"]
    wrapper = {"type": "TimeDistributed", "config": {"layer": {"type": "Graph", "graph": inner}}}
    body = made(post(client, graph(wrapper, inputs=[{"name": "x", "shape": [7, 4]}])))
    assert body["summary"]["outputs"][0]["shape"] == [None, 7, 3]


def test_an_unknown_id_is_a_fault_at_its_pointer(client: httpx.Client) -> None:
    nothing = "0" * 26
    definition = graph({"type": "Graph", "graph": f"graph_{nothing}"})
    definition["nodes"].append(
        {"name": "z", "layer": {"type": "Model", "model": f"model_{nothing}"}, "inputs": "yy"}
    )
    found = faults(post(client, definition))
    assert found["/definition/nodes/0/layer/graph"] == f"There is no graph 'graph_{nothing}'."
    assert found["/definition/nodes/1/layer/model"] == f"There is no model 'model_{nothing}'."
    assert "Did you mean 'y'?" in found["/definition/nodes/1/inputs"]


def test_the_limits_include_the_nodes_of_stored_graphs(client: httpx.Client) -> None:
    twelve = [f"n{i}" for i in range(12)]
    merged = {"name": "y", "layer": {"type": "Add"}, "inputs": twelve}
    identifier = made(post(client, graph()))["id"]
    for expected in (201, 422):
        layer = {"type": "Graph", "graph": identifier}
        nodes = [{"name": name, "layer": layer, "inputs": "x"} for name in twelve]
        answer = post(client, graph(nodes=[*nodes, merged]))
        assert answer.status_code == expected, answer.text
        identifier = answer.json().get("id")
    assert "MAX_NODES" in next(iter(faults(answer).values()))


@pytest.mark.parametrize(
    ("definition", "pointer", "words"),
    [
        (graph({"type": "Dens"}), "/definition/nodes/0/layer/type", "Dense"),
        (
            graph({"type": "Dense", "config": {"unit": 3}}),
            "/definition/nodes/0/layer/config/unit",
            "units",
        ),
        (graph({"type": "LSTM", "config": {"units": 3}}), "/definition/nodes/0", "3"),
        (
            graph({"type": "Dense", "config": {"units": 10**9}}),
            "/definition/nodes/0",
            "MAX_PARAMETERS",
        ),
        (graph(inputs=[{"name": "x", "shape": "4"}]), "/definition/inputs/0/shape", "list"),
        (graph(outputs=[]), "/definition/outputs", "at least 1"),
        (graph(extra=1), "/definition/extra", "no field 'extra'"),
        ({"inputs": [], "outputs": ["y"]}, "/definition/inputs", "at least 1"),
        (3, "/definition", ""),
        (None, "", "`definition` and `keras_json`"),
    ],
)
def test_an_invalid_graph_is_rejected(
    client: httpx.Client, definition: Any, pointer: str, words: str
) -> None:
    found = faults(post(client, definition))
    assert pointer in found, found
    assert words in found[pointer]


def test_exactly_one_form_of_a_graph_is_needed(client: httpx.Client) -> None:
    needed = "Exactly one of `definition` and `keras_json` is needed."
    for body in ({}, {"definition": graph(), "keras_json": "{}"}):
        assert faults(client.post("/v1/graphs", json=body)) == {"": needed}
    assert "" in faults(client.post("/v1/graphs", json=[]))


def test_nesting_over_the_limit_is_rejected(client: httpx.Client) -> None:
    layer: Any = DENSE
    for _ in range(33):
        layer = {"type": "Graph", "graph": graph(layer)}
    assert any("MAX_GRAPH_DEPTH" in d for d in faults(post(client, graph(layer))).values())


def test_an_integer_may_be_sent_as_2_0(client: httpx.Client) -> None:
    def answered(one: float, three: float) -> Any:
        merged = {"type": "Dense", "config": {"units": three, "kernel_regularizer": None}}
        definition = {
            "inputs": [{"name": "x", "shape": [three, one]}],
            "nodes": [
                {"name": "d", "layer": merged, "inputs": "x"},
                {"name": "s", "op": "sum", "inputs": "d", "config": {"axis": one}},
            ],
            "outputs": ["s"],
        }
        answer = client.post("/v1/graphs?validate_only=true", json={"definition": definition})
        assert answer.status_code == 200, answer.text
        return {name: answer.json()[name] for name in ("digest", "summary")}

    assert answered(1.0, 3.0) == answered(1, 3)

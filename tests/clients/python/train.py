"""Trains the dense model with the client that openapi-python-client generates, and predicts."""

import os
import sys
import time
from io import BytesIO
from typing import TypeVar

from graphfit_client import AuthenticatedClient
from graphfit_client.api.datasets import create_dataset
from graphfit_client.api.graphs import create_graph
from graphfit_client.api.jobs import create_job, get_job
from graphfit_client.api.models import predict
from graphfit_client.models import (
    Compile,
    CreateDatasetFilesBody,
    DatasetAnswer,
    DatasetRequest,
    DatasetRequestColumns,
    Fit,
    Graph,
    GraphDefinition,
    GraphRequest,
    Input,
    JobAnswer,
    JobRequest,
    KerasLayer,
    KerasLayerConfig,
    LayerNode,
    PredictAnswer,
    PredictRows,
    Problem,
)
from graphfit_client.types import File

T = TypeVar("T")
CLASSES = 10


def dense(name: str, inputs: str, units: int, activation: str) -> LayerNode:
    """Returns a node that calls a Dense layer."""
    config = KerasLayerConfig.from_dict({"units": units, "activation": activation})
    return LayerNode(name=name, inputs=inputs, layer=KerasLayer(type_="Dense", config=config))


def picture(digit: int) -> list[float]:
    """Returns a picture that shows a digit."""
    return [float(i % CLASSES == digit) for i in range(784)]


def need(kind: type[T], answer: object) -> T:
    """Returns the answer, which must be of this kind."""
    if not isinstance(answer, kind):
        raise TypeError(f"{answer}")
    return answer


def train(client: AuthenticatedClient) -> str:
    """Trains the model and returns its id."""
    definition = GraphDefinition(
        inputs=[Input(name="picture", shape=[784])],
        nodes=[
            dense("hidden_1", "picture", 64, "relu"),
            dense("hidden_2", "hidden_1", 64, "relu"),
            dense("digit", "hidden_2", CLASSES, "softmax"),
        ],
        outputs=["digit"],
    )
    body = GraphRequest(name="dense", definition=definition)
    graph = need(Graph, create_graph.sync(client=client, body=body))
    digits = [row % CLASSES for row in range(200)]
    columns = DatasetRequestColumns.from_dict(
        {
            "picture": [picture(digit) for digit in digits],
            "digit": [[float(i == digit) for i in range(CLASSES)] for digit in digits],
        }
    )
    dataset = need(
        DatasetAnswer, create_dataset.sync(client=client, body=DatasetRequest(columns=columns))
    )
    request = JobRequest(
        graph=graph.id,
        dataset=dataset.id,
        compile_=Compile(loss="categorical_crossentropy", metrics=["accuracy"]),
        fit=Fit(epochs=10),
        seed=7,
    )
    job = need(JobAnswer, create_job.sync(client=client, body=request))
    while not job.is_terminal:
        time.sleep(0.25)
        job = need(JobAnswer, get_job.sync(job.id, client=client))
    return need(str, job.model)


def upload_csv(client: AuthenticatedClient) -> list[str]:
    """Uploads a CSV as the file of a form, and returns the names of its columns.

    The generated client names the type of a form's file, but sends one media type for every other
    body of bytes.
    """
    content = BytesIO(b"length,species\n5.1,setosa\n7.0,versicolor\n")
    body = CreateDatasetFilesBody(file=File(payload=content, file_name="flowers.csv"))
    dataset = need(DatasetAnswer, create_dataset.sync(client=client, body=body, name="flowers"))
    return [column.name for column in dataset.columns]


def upload_tsv(client: AuthenticatedClient) -> list[str]:
    """Uploads a table whose media type tells its format, since its name does not."""
    content = BytesIO(b"length\tspecies\n5.1\tsetosa\n")
    file = File(payload=content, file_name="flowers", mime_type="text/tab-separated-values")
    body = CreateDatasetFilesBody(file=file)
    dataset = need(DatasetAnswer, create_dataset.sync(client=client, body=body))
    return [column.name for column in dataset.columns]


def main() -> None:
    """Trains, predicts each digit, and prints the fault of a misspelt output.

    At the end it prints the columns of a CSV and of a TSV.
    """
    key = os.environ.get("GRAPHFIT_KEY", "none")  # a service without keys ignores it
    client = AuthenticatedClient(base_url=sys.argv[1], token=key)
    model = train(client)
    body = PredictRows(instances=[picture(digit) for digit in range(CLASSES)])
    answer = need(PredictAnswer, predict.sync(model, client=client, body=body))
    rows = need(list, answer.predictions)
    print([row.index(max(row)) for row in rows])
    faulty = GraphRequest(
        definition=GraphDefinition(inputs=[Input(name="x", shape=[1])], outputs=["y"])
    )
    problem = need(Problem, create_graph.sync(client=client, body=faulty))
    faults = need(list, problem.errors)
    print(faults[0].pointer)
    print(*upload_csv(client))
    print(*upload_tsv(client))


if __name__ == "__main__":
    main()

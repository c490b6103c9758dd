"""Answers a prediction request of TensorFlow Serving's form in a prediction process.

The process parses the body, computes and writes the answer, so that a large request takes no time
of the API process. This module must not import FastAPI, which takes longer than most predictions.
"""

import time

from api.http.json.parser import parse_json
from api.protocols.tf_serving import parse_request, serialize_outputs
from application.prediction.arrays import Arrays
from application.prediction.computation import Answer, Limits, Uncomputable
from application.prediction.groups import compute_groups
from application.prediction.model_file import ModelFile
from application.prediction.opened_models import OPENED
from application.prediction.signature import Signature, get_shapes
from domain.errors import Invalid
from domain.json.source_map import SourceMap


def answer(
    raw: bytes,
    file: ModelFile,
    signature: Signature,
    limits: Limits,
    has_classes: bool = False,
) -> Answer:
    """Returns the answer to a request.

    Args:
        raw: The body of the request.
        file: The file of the model.
        signature: The inputs and outputs of the model.
        limits: The limits of the request.
        has_classes: Whether the answer names the classes.

    Raises:
        Invalid: the rows do not match the inputs, or the model cannot be computed for them.
    """
    body = parse_json(raw)
    seconds = 0.0

    def run(inputs: Arrays, batch: int) -> Arrays:
        nonlocal seconds
        started = time.thread_time()
        outputs = compute_rows(inputs, batch)
        seconds += time.thread_time() - started
        return outputs

    try:
        missing = signature.preparation.missing
        request = parse_request(body, signature.inputs, limits.rows, missing)
        compute_rows = OPENED.open_model(file)
        computed = compute_groups(signature, request.groups, limits, run)
    except Uncomputable:  # its place is in the body as it is
        raise
    except Invalid as error:
        raise Invalid(SourceMap(body=body).locate_all(error.faults)) from error
    shapes = get_shapes(request.groups[0].rows.arrays)
    preparation = signature.preparation if has_classes else None
    body_bytes = serialize_outputs(request.form, computed, preparation)
    return Answer(body_bytes, request.count, shapes, seconds)

"""The yardstick of the service's speed: a FastAPI application with bare routes.

`GET /job` returns a fixed JSON document. So does `GET /threaded-job`, whose function is a `def` and
so runs in a thread. `POST /predict` parses a JSON body and returns a fixed answer. uvicorn runs
them as it runs the service.

Usage: `python -m benchmarks.bare_server PORT < DOCUMENTS`, where the documents are the answers in a
JSON object, `{"job": ..., "predict": ...}`.
"""

import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

READY = "ready"


def make_app(documents: dict[str, Any]) -> FastAPI:
    app = FastAPI()

    @app.get("/job")
    async def get_job() -> dict[str, Any]:
        job: dict[str, Any] = documents["job"]
        return job

    @app.get("/threaded-job")
    def get_job_in_thread() -> dict[str, Any]:
        job: dict[str, Any] = documents["job"]
        return job

    @app.post("/predict")
    async def predict(body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = documents["predict"]
        return answer

    return app


def main() -> None:
    """Serve until SIGTERM."""
    app = make_app(json.load(sys.stdin))
    config = uvicorn.Config(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()

# One image for every part: `graphfit api`, `worker`, `reaper`, `migrate`, or all of them as `serve`.
#   docker build -t graphfit .                                  CPU
#   docker build -t graphfit:gpu --build-arg VARIANT=gpu .      with TensorFlow's CUDA libraries
# BASE may be any Debian with Python 3.11 to 3.13 and its venv module.
ARG BASE=docker.io/library/python:3.13.15-slim-trixie


FROM ${BASE} AS builder
ARG VARIANT=base
WORKDIR /src

COPY requirements/bootstrap.txt requirements/${VARIANT}.txt requirements/
RUN python3 -m venv /opt/bootstrap \
    && /opt/bootstrap/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && python3 -m venv --without-pip /opt/graphfit \
    && /opt/bootstrap/bin/uv pip install --no-cache --compile-bytecode \
        --python /opt/graphfit/bin/python --require-hashes -r requirements/${VARIANT}.txt

COPY . .
RUN /opt/bootstrap/bin/uv build --wheel --no-build-isolation --python /opt/bootstrap/bin/python \
        --out-dir /tmp/dist \
    && /opt/bootstrap/bin/uv pip install --no-cache --compile-bytecode \
        --python /opt/graphfit/bin/python --no-deps /tmp/dist/*.whl


FROM ${BASE}
LABEL org.opencontainers.image.title="Graphfit" \
    org.opencontainers.image.description="Post a graph, get a fitted model" \
    org.opencontainers.image.version="0.2.0" \
    org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 graphfit \
    && useradd --uid 10001 --gid graphfit --home-dir /tmp --no-create-home \
        --shell /usr/sbin/nologin graphfit \
    && install -d -o graphfit -g graphfit /data

COPY --from=builder /opt/graphfit /opt/graphfit
# The root may be read-only: what Keras, CUDA and others keep for themselves goes to /tmp.
ENV PATH=/opt/graphfit/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    GRAPHFIT_DATA=/data \
    GRAPHFIT_HEARTBEATS=/tmp

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the API, with the other parts or without them; `graphfit health worker` and `reaper` ask those.
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m CMD ["graphfit", "health", "api"]
ENTRYPOINT ["graphfit"]
CMD ["serve"]

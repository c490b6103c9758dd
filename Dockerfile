FROM python:3.13-slim-bookworm AS builder
WORKDIR /src

COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && uv venv /opt/graphfit \
    && uv pip install --no-cache --python /opt/graphfit/bin/python \
        --require-hashes -r requirements/base.txt

COPY . .
RUN uv pip install --no-cache --python /opt/graphfit/bin/python \
    --no-deps --no-build-isolation --compile-bytecode .


FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home graphfit \
    && install -d -o graphfit -g graphfit /data

COPY --from=builder /opt/graphfit /opt/graphfit
ENV PATH=/opt/graphfit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GRAPHFIT_DATA=/data

USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["graphfit"]
CMD ["serve"]

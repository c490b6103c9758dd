"""The tables. All have a column `owner` (`local` without API keys), which every query filters by.

Only `workers` has none, since workers serve all owners.
"""

from sqlalchemy import BigInteger as Big
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from models_store.database.types import Json, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(40)


def _owned() -> tuple["Column[str]", "Column[str]"]:
    return Column("id", ID, primary_key=True), Column("owner", String(64), nullable=False)


def _partial(name: str, condition: str, *columns: str) -> Index:
    """A partial index, on both databases."""
    where = text(condition)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _queue(kind: str) -> tuple[Index, Index, Index]:
    """Indexes of a queue: for the next job, an owner's last turn and the last claimed turn.

    The first contains all columns that a claim tests, so that it skips jobs by the index alone.
    """
    turn = f"{kind}_turn"
    queued = f"state = 'queued' AND {turn} IS NOT NULL"
    claim = ("rank", turn, "id", "memory_bytes", "gpus")
    return (
        _partial(f"ix_jobs_{kind}_claim", queued, *claim),
        _partial(f"ix_jobs_{kind}_owner", queued, "owner", "rank", turn),
        _partial(f"ix_jobs_{kind}_claimed", f"claimed_on = '{kind}'", "rank", turn),
    )


graphs = Table(
    "graphs",
    metadata,
    *_owned(),
    Column("name", Text),
    Column("definition", Json, nullable=False),
    Column("blueprint", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("summary", Json, nullable=False),
    Column("renamed", Json, nullable=False, server_default="{}"),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_graphs_owner_id", "owner", "id"),
)

datasets = Table(
    "datasets",
    metadata,
    *_owned(),
    Column("name", Text),
    Column("rows", Big, nullable=False),
    Column("bytes", Big, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("columns", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("source_id", ID, doc="The dataset whose files a view reads; NULL if it is none."),
    Column("row_index", Json, doc="The file with the rows of a view."),
    Index("ix_datasets_owner_id", "owner", "id"),
    Index("ix_datasets_source_id", "source_id"),
)

uploads = Table(
    "uploads",
    metadata,
    *_owned(),
    Column("received", Big, nullable=False),
    Column("length", Big, doc="NULL until the client states it."),
    Column("metadata", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_uploads_owner_id", "owner", "id"),
    Index("ix_uploads_expires_at", "expires_at"),
)

upload_parts = Table(
    "upload_parts",
    metadata,
    Column("upload_id", ID, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("start", Big, primary_key=True, autoincrement=False, doc="Its first byte, from 0."),
    Column("owner", String(64), nullable=False),
    Column("bytes", Big, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("artifact", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    *_owned(),
    Column("kind", String(16), nullable=False),
    Column("name", Text),
    Column("metadata", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("rank", Integer, nullable=False, doc="The negative priority; claims take the lowest."),
    Column("request", Json, nullable=False),
    Column("plan", Json, nullable=False),
    Column("seed", Big, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", Float(53)),
    Column("claimed_at", Float(53)),
    Column("seconds_used", Float(53), nullable=False, server_default=text("0")),
    Column("deaths", Integer, nullable=False, server_default=text("0")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("setbacks", Integer, nullable=False, server_default=text("0")),
    Column("worker", Text),
    Column("cpu_turn", Big, doc="Turn in the queue for CPUs; NULL if the job needs a GPU."),
    Column("gpu_turn", Big, doc="Turn in the queue for GPUs; NULL if the job needs a CPU."),
    Column("claimed_on", String(8), doc="The kind of device of the last claim."),
    Column("queued_at", Float(53), nullable=False, server_default=text("0")),
    Column("retry_at", Float(53), nullable=False, server_default=text("0")),
    Column("waiting", Text, doc="Why no worker can claim the job; NULL if one can."),
    Column("device", String(8), nullable=False, server_default="any"),
    Column("gpus", Integer, nullable=False, server_default=text("1")),
    Column("memory_bytes", Big, nullable=False, server_default=text("0")),
    Column(
        "environment_key",
        String(64),
        doc="Where its checkpoint resumes bit for bit.",
    ),
    Column("progress", Json, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("error", Json),
    Column("environment", Json),
    Column("bit_exact", Boolean),
    Column("model_id", ID),
    Column("dataset_id", ID, doc="The dataset that an `import` or `predict` job made."),
    Column("stopped", Json),
    Column("finish_asked", Boolean, nullable=False, server_default=false()),
    Column("best", Json),
    Column("sweep_id", ID, doc="The sweep of which the job is a trial."),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("ix_jobs_owner_id", "owner", "id"),
    *_queue("cpu"),
    *_queue("gpu"),
    _partial("ix_jobs_sweep_id", "sweep_id IS NOT NULL", "sweep_id", "id"),
    _partial("ix_jobs_held", "state IN ('running', 'pausing', 'cancelling')", "worker"),
)

job_metadata = Table(
    "job_metadata",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("value", Text, nullable=False),
    Index("ix_job_metadata_owner_key_value", "owner", "key", "value"),
)

job_uses = Table(
    "job_uses",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("resource_id", ID, primary_key=True),
    Column("owner", String(64), nullable=False),
    Index("ix_job_uses_owner_resource_id", "owner", "resource_id"),
)

epochs = Table(
    "epochs",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("metrics", Json, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("type", String(16), nullable=False),
    Column("data", Json, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("step", Big, nullable=False, server_default=text("0")),
    Column("artifact", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("document", Json, nullable=False),
    Column("sha256", String(64), nullable=False),
)

kept_checkpoints = Table(
    "kept_checkpoints",
    metadata,
    *_owned(),
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("step", Big, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("artifact", Text, nullable=False),
    Column("bytes", Big, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("dropped_at", Integer, doc="The epoch after which it is no longer kept."),
    Index("ix_kept_checkpoints_job_id_epoch", "job_id", "epoch", unique=True),
)

job_parts = Table(
    "job_parts",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("start", Big, primary_key=True, autoincrement=False, doc="Its first batch, from 0."),
    Column("stop", Big, nullable=False, doc="The batch after its last."),
    Column("owner", String(64), nullable=False),
    Column("bytes", Big, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("artifact", Text, nullable=False),
)

models = Table(
    "models",
    metadata,
    *_owned(),
    Column("name", Text),
    Column("job_id", ID, nullable=False),
    Column("graph_id", ID),
    Column("folder", Text, nullable=False),
    Column("blueprint", Json, nullable=False),
    Column("summary", Json, nullable=False),
    Column("preparation", Json, doc="Classes and missing values; NULL for older models."),
    Column("recipe", Json, doc="Its last training; NULL if there was none, and for older models."),
    Column("epoch", Integer, doc="The epoch of its weights; NULL if it was not trained."),
    Column("training", Json, doc="Where its training stopped; NULL if no job can go on."),
    Column("checkpoint_epoch", Integer, doc="The epoch of the checkpoint it was made of, if any."),
    Column("metrics", Json, nullable=False),
    Column("files_left_out", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_models_owner_id", "owner", "id"),
    Index("ix_models_job_id_checkpoint_epoch", "job_id", "checkpoint_epoch", unique=True),
)

model_files = Table(
    "model_files",
    metadata,
    Column("model_id", ID, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("artifact", Text, nullable=False),
    Column("bytes", Big, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("media_type", Text, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("method", String(8), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("token", ID, nullable=False),
    Column("fingerprint", String(64)),
    Column("lease_until", Float(53), nullable=False),
    Column("created", Float(53), nullable=False),
    Column("status", Integer),
    Column("headers", Json),
    Column("body", LargeBinary),
)

workers = Table(
    "workers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("device", String(8), nullable=False),
    Column("devices", Json, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("memory_bytes", Big, nullable=False),
    Column("environment", Json, nullable=False),
    Column("environment_key", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat", Float(53), nullable=False),
    Column("alive_until", Float(53), nullable=False, doc="Afterwards the worker counts as lost."),
)

sweeps = Table(
    "sweeps",
    metadata,
    *_owned(),
    Column("name", Text),
    Column("state", String(16), nullable=False),
    Column("request", Json, nullable=False),
    Column("seed", Big, nullable=False),
    Column("trials", Integer, nullable=False, doc="Number of trials of the whole sweep."),
    Column("started", Integer, nullable=False, server_default=text("0")),
    Column("best", Integer, doc="Number of the best trial; NULL if none has succeeded."),
    Column("importances", Json),
    Column("error", Json, doc="Why no further trial starts."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("holder", ID, doc="The process that advances the sweep."),
    Column("lease_until", Float(53), nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("ix_sweeps_owner_id", "owner", "id"),
    _partial("ix_sweeps_active", "state IN ('running', 'cancelling')", "id"),
)

trials = Table(
    "trials",
    metadata,
    Column("sweep_id", ID, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("suggestion", Json, nullable=False, doc="Numbers, and indices of choices."),
    Column("job_id", ID, doc="NULL if the request was refused."),
    Column("value", Float(53)),
    Column("epoch", Integer, doc="The epoch of the value."),
    Column("seen", Integer, nullable=False, server_default=text("0")),
    Column("attributes", Json, nullable=False, doc="What Optuna's pruner remembers of it."),
    Column("error", Json),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
)

sweep_uses = Table(
    "sweep_uses",
    metadata,
    Column("sweep_id", ID, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("resource_id", ID, primary_key=True),
    Column("owner", String(64), nullable=False),
    Index("ix_sweep_uses_owner_resource_id", "owner", "resource_id"),
)

keys = Table(
    "keys",
    metadata,
    *_owned(),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Index("ix_keys_owner_id", "owner", "id"),
)

"""The production engine's stores, real ones on this machine: PostgreSQL, Redis, S3 by moto."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.buckets import BucketServer
from tests.support.postgresql import PostgreSql
from tests.support.redis_server import RedisServer


@dataclass(frozen=True)
class Production:
    """Three servers, each of which can be stopped and started by itself."""

    database: PostgreSql
    broker: RedisServer
    bucket: BucketServer

    def settings(self) -> dict[str, str]:
        """Those of a service with a database, a broker and a bucket that nobody uses yet.

        By the settings' names without their prefix, as `Service` takes them.
        """
        return {
            "DATABASE_URL": self.database.new_database(),
            "BROKER_URL": self.broker.new_broker(),
            **self.bucket.settings(),
        }


@contextmanager
def production(folder: Path) -> Iterator[Production]:
    """Runs the servers for as long as the context lasts; Redis's log goes into the folder."""
    with ExitStack() as closing:
        database = PostgreSql()
        closing.callback(database.close)
        broker = RedisServer(folder)
        closing.callback(broker.close)
        bucket = BucketServer()
        closing.callback(bucket.stop)
        yield Production(database, broker, bucket)

"""The stores of the production engine on this machine: PostgreSQL, Redis and moto's S3."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers.buckets import BucketServer
from tests.support.servers.postgresql import PostgreSql
from tests.support.servers.redis_server import RedisServer


@dataclass(frozen=True)
class Production:
    """Three servers that can be stopped and started one by one."""

    database: PostgreSql
    broker: RedisServer
    bucket: BucketServer

    def settings(self) -> dict[str, str]:
        """Makes the settings of a service with a new database, broker and bucket.

        The names are those of the settings without their prefix, as `Service` takes them.
        """
        return {
            "DATABASE_URL": self.database.new_database(),
            "BROKER_URL": self.broker.new_broker(),
            **self.bucket.settings(),
        }


@contextmanager
def production(folder: Path) -> Iterator[Production]:
    """Runs the servers while the context lasts. Redis writes its log to `folder`."""
    with ExitStack() as closing:
        database = PostgreSql()
        closing.callback(database.close)
        broker = RedisServer(folder)
        closing.callback(broker.close)
        bucket = BucketServer()
        closing.callback(bucket.stop)
        yield Production(database, broker, bucket)

"""Keeps a lease while its supervisor waits for the store of files: large ones take long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.errors import Busy, LeaseLost
from models_store import leases
from models_store.claims import Claim
from models_store.database import Database
from worker.messages import Renewed
from worker.rules import Rules


@dataclass
class Lease:
    """When it was last renewed."""

    at: float
    """On this machine's monotonic clock, no later than the lease began."""


@contextmanager
def renewed(
    database: Database,
    claim: Claim,
    rules: Rules,
    lease: Lease,
    tell: Callable[[Renewed], None] = lambda _: None,
) -> Iterator[None]:
    """Renews the lease once a tick, in a thread, for as long as the context lasts.

    Args:
        lease: Kept up to date.
        tell: Hears of each renewal.
    """
    over = threading.Event()

    def renew() -> None:
        while not over.wait(rules.tick_seconds):
            now = time.monotonic()
            try:
                with database.write() as connection:
                    leases.renew(connection, claim, rules.lease_seconds)
            except Busy:
                continue  # it may come back while the lease lasts
            except LeaseLost:
                return  # which the next write of the supervisor will find
            lease.at = now
            tell(Renewed(at=now))

    thread = threading.Thread(target=renew, name="renewal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

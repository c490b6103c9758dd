"""Messages in a folder are read whole and once, by any number of processes."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty

import pytest
from celery import Celery
from kombu import Connection

from models_store.broker import folder
from models_store.broker.celery import celery_app, send_wake
from models_store.settings import Settings

MESSAGES = 400
READERS = 3


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    return celery_app(Settings(data=tmp_path))


@pytest.fixture
def messages(app: Celery, tmp_path: Path) -> Path:
    """The folder of the messages."""
    return tmp_path / "calls" / "messages"


@pytest.fixture
def connection(app: Celery) -> Iterator[Connection]:
    with app.connection_for_read() as opened:
        yield opened


def test_the_transport_is_that_of_the_default_broker(connection: Connection) -> None:
    assert isinstance(connection.transport, folder.Transport)


def test_a_message_is_never_seen_half_written(app: Celery, messages: Path) -> None:
    over = threading.Event()

    def look() -> int:
        count = 0
        while not over.is_set():
            for path in messages.glob("*.msg"):
                assert json.loads(path.read_text())["headers"]["task"] == "graphfit.wake"
                count += 1
                path.unlink()
        return count

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        for _ in range(MESSAGES):
            send_wake(app)
        while any(messages.iterdir()) and looking.running():
            pass
        over.set()
        assert looking.result() == MESSAGES


def test_each_message_is_received_once(app: Celery) -> None:
    sent = threading.Event()

    def receive() -> list[int]:
        received: list[int] = []
        with app.connection_for_read() as own, own.SimpleQueue("numbers") as queue:
            while True:
                is_last = sent.is_set()
                try:
                    message = queue.get_nowait()
                except Empty:
                    if is_last:
                        return received
                    continue
                received.append(message.payload)
                message.ack()

    with ThreadPoolExecutor(READERS) as threads:
        receiving = [threads.submit(receive) for _ in range(READERS)]
        with app.connection_for_write() as own, own.SimpleQueue("numbers") as queue:
            for number in range(MESSAGES):
                queue.put(number)
        sent.set()
        received = Counter(number for each in receiving for number in each.result())
    assert received == Counter(range(MESSAGES))


def test_a_queue_of_the_same_name_in_another_folder_has_messages(tmp_path: Path) -> None:
    """kombu remembers the binding in the process, though the other folder does not have it."""
    for name in ("one", "other"):
        app = celery_app(Settings(data=tmp_path / name))
        with app.connection_for_write() as own, own.SimpleQueue("twins") as queue:
            queue.put(name)
            assert queue.get_nowait().payload == name


def test_a_damaged_message_is_passed_over(connection: Connection, messages: Path) -> None:
    (messages / "0_of-an-older-version.letters.msg").touch()
    with connection.SimpleQueue("letters") as queue:
        queue.put(7)
        assert queue.get_nowait().payload == 7
        with pytest.raises(Empty):
            queue.get_nowait()


def test_processes_that_bind_a_queue_at_once_find_a_whole_table(app: Celery) -> None:
    def bind(number: int) -> list[str]:
        with app.connection_for_write() as own:
            channel = own.default_channel
            channel._queue_bind("wakes", f"key{number % 2}", "", "queue")
            return [entry.queue for entry in channel.get_table("wakes")]

    with ThreadPoolExecutor(8) as threads:
        tables = list(threads.map(bind, range(64)))
    assert all(set(table) == {"queue"} for table in tables)

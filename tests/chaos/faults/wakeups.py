"""Needless wake messages to the workers."""

from models_store.broker.celery import WAKE, celery_app
from models_store.ids import new_id
from models_store.settings import Settings


def send_wakeups(broker_url: str, messages: int, copies: int) -> None:
    """Sends wake messages; each is delivered `copies` times under one id."""
    with celery_app(Settings(broker_url=broker_url)) as app:
        for _ in range(messages):
            task = new_id("wake")
            for _ in range(copies):
                app.send_task(WAKE, task_id=task, ignore_result=True, retry=False)

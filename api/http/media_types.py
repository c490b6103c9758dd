"""Which format a body says it has."""

from email.message import Message

from fastapi import Request


def get_media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty when there is none."""
    if "content-type" not in request.headers:
        return ""
    message = Message()
    message["content-type"] = request.headers["content-type"]
    return message.get_content_type()

"""The media type of a request body."""

from email.message import Message

from fastapi import Request


def get_media_type(request: Request) -> str:
    """Returns the Content-Type in lower case, without parameters; empty if there is none."""
    if "content-type" not in request.headers:
        return ""
    message = Message()
    message["content-type"] = request.headers["content-type"]
    return message.get_content_type()

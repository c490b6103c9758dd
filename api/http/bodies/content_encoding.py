"""Refuses compressed request bodies."""

from fastapi import Request

from api.problems.handlers import UnsupportedEncoding


def refuse_encoded_body(request: Request) -> None:
    """Checks that the body of a request has no Content-Encoding.

    Raises:
        UnsupportedEncoding: The body is compressed.
    """
    given = ",".join(request.headers.getlist("content-encoding"))
    if any(name.strip().lower() not in ("", "identity") for name in given.split(",")):
        raise UnsupportedEncoding(
            f"The service does not decode `Content-Encoding: {given[:64]}`. Send the body "
            "uncompressed and without this header."
        )

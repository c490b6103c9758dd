"""The upload of a dataset: a body in one of the formats, or a form with a file."""

import hashlib
import json
from typing import NamedTuple

from fastapi import Request

from api.http.bodies import forms
from api.http.bodies.media_types import get_media_type
from api.problems.handlers import UnsupportedMediaType
from models_store.datasets.formats.body import Source
from models_store.datasets.formats.registry import FORMATS, find_by_file_name


class DatasetUpload(NamedTuple):
    """A body that is read in a format."""

    media_type: str
    source: Source
    fields: list[tuple[str, str]]
    """The fields of the form beside the file, which stand for parameters of the query."""

    def identify(self, sha256: str) -> str:
        """Returns the hash that identifies the body, from the hash of the file."""
        if not self.fields:
            return sha256
        return hashlib.sha256(json.dumps([sha256, self.fields]).encode()).hexdigest()


def check_media_type(request: Request) -> None:
    """Checks that a body has a format, without reading it.

    Raises:
        UnsupportedMediaType: No format has this Content-Type.
        Invalid: The Content-Type of a form names no boundary.
    """
    media_type = get_media_type(request)
    if media_type == forms.MEDIA_TYPE:
        forms.get_boundary(request)
    elif media_type not in FORMATS:
        known = ", ".join([*FORMATS, forms.MEDIA_TYPE])
        raise UnsupportedMediaType(f"A dataset's Content-Type is one of {known}.")


def open_upload(request: Request, incoming: Source) -> DatasetUpload:
    """Finds the format of a body; of a form, it reads up to the content of the file.

    Raises:
        UnsupportedMediaType: Neither the type nor the name of a form's file tells the format.
        Invalid: The body is no form with a file.
    """
    media_type = get_media_type(request)
    if media_type != forms.MEDIA_TYPE:
        return DatasetUpload(media_type, incoming, [])
    file = forms.FormFile(incoming, forms.get_boundary(request))
    known = file.media_type if file.media_type in FORMATS else find_by_file_name(file.name)
    if known is None:
        raise UnsupportedMediaType(
            f"The part `{forms.FILE}` has neither a Content-Type nor a file name of a format. "
            f"Its Content-Type is one of {', '.join(FORMATS)}."
        )
    return DatasetUpload(known, file, file.fields)

"""API keys: who is let in, and as whom."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from domain.contract import Result
from domain.ids import ULID, KeyId

OWNER = "[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}"
LOCAL_OWNER = "local"
"""Whose everything is where there are no keys."""
SECRET_CHARACTERS = 43
SECRET = f"gf_{ULID}_[A-Za-z0-9_-]{{{SECRET_CHARACTERS}}}"
"""What a client sends: the key's id and 32 random bytes. Its beginning lets scanners of leaked
secrets find it, its id lets its owner see which one it is."""

OwnerName = Annotated[str, StringConstraints(pattern=f"^{OWNER}$")]


class Key(Result):
    """A key as it is kept: of its secret there is only the hash."""

    id: KeyId
    owner: OwnerName
    name: str
    created_at: datetime
    revoked_at: datetime | None

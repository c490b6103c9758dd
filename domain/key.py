"""API keys, each of which authenticates one owner."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from domain.contract import Result
from domain.ids import ULID, KeyId

OWNER = "[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}"
LOCAL_OWNER = "local"
"""The owner of everything while there are no keys."""
SECRET_CHARACTERS = 43
SECRET = f"gf_{ULID}_[A-Za-z0-9_-]{{{SECRET_CHARACTERS}}}"
"""The text that a client sends: a prefix, the key's id and 32 random bytes. Scanners for leaked
secrets recognize the prefix; the id tells the owner which key it is."""

OwnerName = Annotated[str, StringConstraints(pattern=f"^{OWNER}$")]


class Key(Result):
    """A stored key. Only the hash of its secret is stored."""

    id: KeyId
    owner: OwnerName
    name: str
    created_at: datetime
    revoked_at: datetime | None

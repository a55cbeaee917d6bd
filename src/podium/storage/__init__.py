"""
The bytes: the only part that knows DVC. Add, push, problems, fetch, place: the verbs of ``Storage``.

What a version is comes from its record; where its bytes are, from DVC's configuration. DVC itself is imported at the
first need, and only for its configuration and its file systems: hashes, transfers and proofs are podium's own, because
DVC trusts remotes.
"""

from __future__ import annotations

from podium import deferred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from podium.storage import public
    from podium.storage.content import Content
    from podium.storage.presence import Problem
    from podium.storage.pushing import Sent
    from podium.storage.versions import Storage, prove_whole
else:
    __getattr__ = deferred.names(
        __name__,
        {
            "content": "Content",
            "presence": "Problem",
            "public": "",
            "pushing": "Sent",
            "versions": "Storage prove_whole",
        },
    )

__all__ = ["Content", "Problem", "Sent", "Storage", "prove_whole", "public"]

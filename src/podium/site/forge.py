"""Where the registry's repository is on the web: what commits, pull requests and files link to."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

from podium.errors import Usage


@dataclass(frozen=True)
class Forge:
    """
    A repository's page on its forge, or nothing (``base`` is empty).

    GitLab keeps what belongs to a project below ``/-``, and calls pull requests otherwise: an address that ends in
    ``/-``, or whose host has gitlab in its name, is one of GitLab's.
    """

    base: str = ""

    @classmethod
    def at(cls, url: str | None) -> Forge:
        """Read the address of a repository's page; raises Usage where it is none of the web's."""
        if url is None:
            return cls()
        base = url.rstrip("/").removesuffix(".git")
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
            raise Usage(f"{url!r} is no page of a repository", "name one as a browser has it: https://HOST/OWNER/NAME")
        if "gitlab" in parts.hostname and not base.endswith("/-"):
            base += "/-"
        return cls(base)

    def commit(self, id_: str) -> str | None:
        """Give the page of a commit."""
        return f"{self.base}/commit/{id_}" if self.base else None

    def request(self, number: int) -> str | None:
        """Give the page of a pull or merge request."""
        if not self.base:
            return None
        return f"{self.base}/{'merge_requests' if self.base.endswith('/-') else 'pull'}/{number}"

    def file(self, folder: str, path: str) -> str | None:
        """Give the page of a file, named relative to a folder of the repository; ``None`` if that leads out of it."""
        joined = normpath(unquote(path).lstrip("/") if path.startswith("/") else f"{folder}/{unquote(path)}")
        if not self.base or joined.startswith("..") or joined == ".":
            return None
        return f"{self.base}/blob/HEAD/{quote(joined, errors='surrogateescape')}"

"""Where DVC's configuration says the cache and the remotes are. Everything of DVC is imported here, when needed."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from podium.errors import Denied, Unavailable
from podium.storage.cache import Cache
from podium.storage.remote import FolderRemote, Remote, ServerRemote
from podium.storage.servers import hostkeys, limits

_EXTRAS = {
    "s3": "podium[s3]",
    "gs": "podium[gs]",
    "azure": "podium[azure]",
    "ssh": "podium[ssh]",
    "webdav": "podium[webdav]",
    "webdavs": "podium[webdav]",
    "http": "podium[http]",
    "https": "podium[http]",
}
_ONLY_THE_USERS = frozenset(
    {
        "bearer_token_command",  # is run by a shell
        "configpath",  # an AWS profile there may have a credential_process, which is run
        "credentialpath",  # likewise; and Google's may name a host that gets this machine's tokens
        "gdrive_service_account_json_file_path",
        "gdrive_user_credentials_file",
    }
)
"""Options of remotes with which text from a registry would run here, or send what is not the registry's elsewhere."""


@dataclass(frozen=True)
class Config:
    """
    DVC's configuration: the system's, the user's, that of the folder's ``.dvc/config`` and of its ``config.local``.

    ``detached``: the folder only holds the configuration of a registry that lies elsewhere. ``configuration``: what was
    read in the place of ``.dvc/config``, if anything was.
    """

    folder: Path
    values: dict[str, Any]
    detached: bool
    configuration: bytes | None = None

    def cache(self) -> Cache:
        """Give the cache; always the folder's own where it is detached, whatever a registry says."""
        own = self.values["cache"]
        place = own.get("dir") if not self.detached else None
        return Cache(Path(place) if place else self.folder / "cache", shared=own.get("shared") == "group")

    def name(self, remote: str | None) -> str:
        """Give the remote that is meant, the default one for ``None``; raises Denied where there is none such."""
        names = sorted(self.values["remote"])
        chosen = (remote or self.values["core"].get("remote") or "").lower()
        if not chosen:
            raise Denied("the registry has no default DVC remote", "set one: `dvc remote add --default NAME URL`")
        if chosen not in names:
            known = ", ".join(names) or "none"
            raise Denied(f"there is no DVC remote {chosen!r}", f"add it with `dvc remote add`; there is: {known}")
        return chosen

    def own_name(self, remote: str) -> str:
        """Give a remote that a record names; raises Denied where the registry's own ``.dvc/config`` has none such."""
        own = sorted(self._own_remotes)
        if remote.lower() not in own:
            known = ", ".join(own) or "none"
            raise Denied(
                f".dvc/config has no remote {remote!r}, which a record names",
                f"add it in a change of its own with `dvc remote add`; there is: {known}",
            )
        return self.name(remote)

    def remote(self, name: str) -> Remote:
        """
        Give a remote that was named; no bytes are sent yet.

        Raises Denied where podium does not use such remotes, Unavailable where a package is missing, where it lies
        relative to a checkout that is not here, or where an ssh server is not the one that is known.
        """
        from dvc.fs import LocalFileSystem

        self._check(name)
        kind, options, path = self._filesystem(name)
        if kind is LocalFileSystem:
            return FolderRemote(name, Path(path))
        filesystem = kind(**options)
        limits.bound(filesystem)
        if filesystem.protocol == "ssh":
            hostkeys.connect(name, filesystem)
        return ServerRemote(name, filesystem, path, self.cache().aside)

    def _check(self, name: str) -> None:
        from dvc.config_schema import RelPath

        own = self.values["remote"][name]
        for option in ("version_aware", "worktree"):
            if own.get(option):
                raise Denied(
                    f"the DVC remote {name!r} is {option}: DVC would rewrite the records of versions when it pushes",
                    f"take the option away: `dvc remote modify --unset {name} {option}`",
                )
        if self.detached and isinstance(own.get("url"), RelPath):
            raise Unavailable(
                f"the DVC remote {name!r} is a folder relative to the registry's checkout, and there is none here",
                "clone the registry and use podium there, or give the remote an absolute address",
            )
        for one in self._meant(name):
            for option in sorted(_ONLY_THE_USERS & self._own_remotes.get(one, {}).keys()):
                raise Denied(
                    f"the DVC remote {one!r} has a {option} in .dvc/config: text from a registry never runs",
                    f"set it for yourself: `dvc remote modify --global {one} {option} …`",
                )

    def _meant(self, name: str) -> Iterator[str]:
        """Give a remote's name, and those of the remotes that it is made of (``remote://other/folder``)."""
        seen: set[str] = set()
        while name in self.values["remote"] and name not in seen:
            seen.add(name)
            yield name
            scheme, _, rest = str(self.values["remote"][name].get("url", "")).partition("://")
            name = rest.partition("/")[0].lower() if scheme == "remote" else ""

    @cached_property
    def _own_remotes(self) -> dict[str, Any]:
        """Give the remotes as the registry's own ``.dvc/config`` has them."""
        from dvc.config import Config as DvcConfig

        with _understood(self.folder / "config"):
            try:
                files = _file_system(self.folder, self.configuration)
                return dict(DvcConfig.load_file(str(self.folder / "config"), fs=files)["remote"])
            except FileNotFoundError:
                return {}

    def _filesystem(self, name: str) -> tuple[Any, dict[str, Any], str]:
        from dvc.fs import get_cloud_fs

        scheme = str(self.values["remote"][name].get("url", "")).partition("://")[0]
        try:
            with _understood(self.folder / "config"):
                kind, options, path = get_cloud_fs(self.values, name=name)
            missing = kind.get_missing_deps()
        except ImportError:
            missing = [f"dvc-{scheme}"]
        if missing:
            package = _EXTRAS.get(scheme, f"dvc-{scheme}")
            raise Unavailable(f"the DVC remote {name!r} needs a package", f"install it: `pip install '{package}'`")
        _hush()
        return kind, options, path


def _hush() -> None:
    """
    Keep what client libraries log off stderr, where Python prints it if a program has set up no logging.

    They write tracebacks, and addresses with all that is in them. A program that has set logging up gets it all.
    """
    for library in _CLIENTS:
        logger = logging.getLogger(library)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


_CLIENTS = (
    *("adlfs", "aiobotocore", "aiohttp", "asyncio", "asyncssh", "azure", "botocore", "fsspec"),
    *("gcsfs", "google", "httpx", "s3fs", "sshfs", "urllib3", "webdav4"),
)


def load(folder: Path, *, detached: bool = False, configuration: bytes | None = None) -> Config:
    """
    Read the configuration of a ``.dvc`` folder; raises Denied where it is missing or cannot be understood.

    ``configuration`` is read in the place of its ``config``, ``config.local`` as ever.
    """
    if not folder.is_dir():
        raise Denied(f"there is no DVC folder {folder}", "`podium init` sets DVC up")
    with _understood(folder / "config"):
        from dvc.config import Config as DvcConfig

        logging.getLogger("dvc").setLevel(logging.CRITICAL)
        own = DvcConfig(str(folder), local_dvc_dir=str(folder), fs=_file_system(folder, configuration))
        return Config(folder, dict(own), detached, configuration)


def _file_system(folder: Path, configuration: bytes | None) -> Any:
    """Give a file system as DVC wants one, in which ``config`` has other content than on the disk."""
    from dvc.fs import LocalFileSystem

    class Instead(LocalFileSystem):  # type: ignore[misc]  # dvc has no types
        def open(self, path: str, *arguments: Any, **options: Any) -> Any:
            if configuration is None or Path(path) != folder / "config":
                return super().open(path, *arguments, **options)
            return io.StringIO(configuration.decode())

    return Instead()


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Say where DVC cannot read its configuration, without repeating what may be a password there."""
    from dvc.config import ConfigError

    try:
        yield
    except ConfigError as error:
        why = "" if "expected" not in str(error) else " (a value of the wrong kind)"
        raise Denied(f"DVC cannot read its configuration {path}{why}", "see what `dvc remote list` says") from None
    except FileNotFoundError:
        raise
    except UnicodeDecodeError:
        raise Unavailable(f"DVC's configuration {path} cannot be read: it is not UTF-8", "mend it first") from None
    except OSError as error:
        what = f"DVC's configuration {error.filename or path} cannot be read: {error.strerror}"
        raise Unavailable(what, "see to it, and to HOME: DVC looks there for your own settings") from None

"""
The keys by which ssh servers prove who they are: DVC takes any, podium the ones that known_hosts has.

The very connection that the bytes go over is checked: asyncssh, which DVC's ssh remotes are made of, gets the keys that
it may trust, chooses the key exchange by them and ends the connection where the server has another one. So nothing is
sent, no login either, before the server is known. The user's ssh configuration says where known_hosts is, as for `ssh`
itself; what it says about not checking is passed over.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.errors import Unavailable
from podium.storage.servers import limits
from podium.storage.servers.failures import unreachable

_OWN_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_SSH_CONFIG = "~/.ssh/config"
_PORT = 22


def connect(name: str, filesystem: Any) -> None:
    """
    Connect the file system of a DVC remote on an ssh server, if the server's key is known.

    Raises Unavailable where the key is unknown, revoked or another one than is known, and where there is no connection.
    """
    seen = _Seen(filesystem.fs_args["host"])
    filesystem.fs_args |= {
        "known_hosts": _Known(filesystem.fs_args, seen).trusted,
        "client_factory": _watching(filesystem.fs_args["client_factory"], seen),
        "agent_forwarding": False,  # DVC lends the server one's agent; nothing that podium does there needs it
    }
    lost = _lost(name, filesystem, seen)
    if lost is not None and seen.known and not seen.shown:
        # a server that has no key of the kinds that are known of it hangs up: ask for any
        filesystem.fs_args["server_host_key_algs"] = "default"
        lost = _lost(name, filesystem, seen)
    if lost is not None:
        raise unreachable(name, lost)


def _lost(name: str, filesystem: Any, seen: _Seen) -> Exception | None:
    """Connect; gives the error with which the server hung up, if it did."""
    import asyncssh

    try:
        assert filesystem.fs is not None
    except asyncssh.HostKeyNotVerifiable as error:
        raise _refusal(name, seen, revoked="revoked" in str(error)) from None
    except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionError) as error:
        if "timeout" in str(error).lower():
            within = f"{limits.SILENT_CONNECTION} seconds"
            late = f"the DVC remote {name!r} does not come to an end of the login within {within}"
            raise Unavailable(late, "see whether the server is well, and whether it is an ssh server") from None
        return error
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a name without an address, a login refused, a key that cannot be read
        raise unreachable(name, error) from None
    return None


@dataclass
class _Seen:
    """What came out while a connection was made: where to, which keys are known there, which one it showed."""

    host: str
    port: int = _PORT
    known: bool = False
    shown: str = ""

    @property
    def entry(self) -> str:
        """The server as known_hosts names it."""
        return self.host if self.port == _PORT else f"[{self.host}]:{self.port}"


@dataclass(frozen=True)
class _Known:
    """What known_hosts says: the user's files and the machine's, or those that ~/.ssh/config names."""

    arguments: dict[str, Any] = field(repr=False)
    seen: _Seen

    def trusted(self, host: str, address: str, port: int | None) -> tuple[Any, ...]:
        """Give what asyncssh asks for: keys, authorities, revoked keys, and the same of X.509. Port None is 22."""
        self.seen.host, self.seen.port = host, port or _PORT
        known, revoked = _read(self._files())
        keys, authorities, _, *certificates = known.match(host, address, port)
        gone = {key for number in {port, None} for key in revoked.match(host, address, number)[0]}
        self.seen.known = bool(keys or authorities or any(certificates))
        return keys, authorities, sorted(gone, key=lambda key: key.public_data), *certificates

    def _files(self) -> Iterator[Path]:
        from asyncssh.config import SSHClientConfig

        place = Path(_SSH_CONFIG).expanduser()
        given = [self.arguments.get(key, ()) for key in ("username", "host", "port")]
        with _readable(place):
            paths = [place] if place.is_file() else []
            config = SSHClientConfig.load(None, paths, False, False, False, getpass.getuser(), *given)  # noqa: FBT003
        for option, usual in (("UserKnownHostsFile", _OWN_FILES), ("GlobalKnownHostsFile", _GLOBAL_FILES)):
            named = config.get(option) or usual
            assert isinstance(named, (list, tuple))
            for path in named:
                yield Path(path).expanduser()


def _read(files: Iterator[Path]) -> tuple[Any, Any]:
    """
    Read known_hosts files: what they know, and what they revoke as a list of its own.

    asyncssh looks for a server without its port where it finds no key with it, and then loses what is revoked with it.
    """
    from asyncssh.known_hosts import SSHKnownHosts

    known, revoked = SSHKnownHosts(), SSHKnownHosts()
    for path in files:
        for line in _lines(path):
            bare = line.removeprefix("@revoked")
            with suppress(ValueError):  # like ssh: a line that cannot be understood names nobody
                (known if bare == line else revoked).load(bare)
    return known, revoked


def _lines(path: Path) -> list[str]:
    with _readable(path):
        try:
            return [line.strip() for line in path.read_text(errors="replace").splitlines()]
        except (FileNotFoundError, NotADirectoryError):
            return []


class _readable:  # noqa: N801 - read as a word
    """Say which file of the user's ssh could not be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from asyncssh import ConfigParseError

        if isinstance(error, (OSError, UnicodeDecodeError, ConfigParseError)):
            raise Unavailable(f"{self._path} cannot be read, so no ssh server is known", "mend it") from None


def _watching(factory: Any, seen: _Seen) -> Any:
    """Make a client of DVC's kind that notes the key a server shows where it is not one of the known."""

    class Watching(factory):  # type: ignore[misc]  # asyncssh is untyped here
        def validate_host_public_key(self, _host: str, _address: str, _port: int, key: Any) -> bool:
            seen.shown = key.get_fingerprint()
            return False

    return Watching


def _refusal(name: str, seen: _Seen, *, revoked: bool) -> Unavailable:
    server, shown = seen.entry, f" ({seen.shown})" if seen.shown else ""
    if revoked:
        return Unavailable(
            f"the DVC remote {name!r} is not used: known_hosts marks the key that {server} shows as revoked",
            "ask who runs that server what became of its key",
        )
    if seen.known:
        return Unavailable(
            f"the DVC remote {name!r} is not used: {server} does not show the key that known_hosts has of it{shown}; "
            "somebody may have put another machine in its place",
            f"ask who runs it; only if the key was changed on purpose: "
            f"`ssh-keygen -R '{server}'`, then add the new one",
        )
    port = f"-p {seen.port} " if seen.port != _PORT else ""
    return Unavailable(
        f"the DVC remote {name!r} is not used: known_hosts has no key of {server}{shown}",
        f"`ssh-keyscan {port}{seen.host} >> ~/.ssh/known_hosts`, then compare it with what its administrator tells you",
    )

"""Trees that Git would not write, and what their names could do to who makes paths of them: a case is a small value."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

import pygit2

from podium.tree import EXECUTABLE, FILE, FOLDER, LINK, SUBMODULE
from tests.acceptance.histories import ARTIFACT, MODEL, START, History

OTHER_COMMIT = "1" * 40
PLACES = ("", "models", MODEL, f"{MODEL}/versions", f"{MODEL}/aliases", "artifacts", "artifacts/vision", ARTIFACT)
PLACES += (f"{ARTIFACT}/versions", f"{ARTIFACT}/aliases", "schemas", "schemas/team", ".dvc", ".github")
"""The folders into which names are put."""

NAMES: Mapping[str, bytes] = {
    "dot-dot": b"..",
    "dot": b".",
    "climbing": b"../../../escaped",
    "absolute": b"/etc/escaped",
    "slash": b"a/b",
    "slash-at-the-end": b"a/",
    "backslash": b"..\\..\\escaped",
    "drive": b"C:escaped.yaml",
    "git": b".git",
    "GIT": b".GIT",
    "git~1": b"git~1",
    "GIT~1": b"GIT~1",
    "git with what HFS drops": ".g\u200cit".encode(),
    "git with a dot": b".git.",
    "git with a stream": b".git::$INDEX_ALLOCATION",
    "gitmodules": b".gitmodules",
    "latin-1": b"caf\xe9.yaml",
    "surrogate": b"\xed\xb2\x80.yaml",
    "overlong": b"\xc0\xaf.yaml",
    "cut off": b"v1\xe2\x82.yaml",
    "NFC": unicodedata.normalize("NFC", "é.yaml").encode(),
    "NFD": unicodedata.normalize("NFD", "é.yaml").encode(),
    "con": b"con",
    "aux.yaml": b"aux.yaml",
    "com superscript": "com¹.yaml".encode(),
    "nul with blanks": b"nul .yaml",
    "trailing dot": b"model.",
    "trailing blank": b"model ",
    "escape": b"\x1b]0;owned\x07.yaml",
    "colour": b"\x1b[31mred.yaml",
    "line end": b"a\nb.yaml",
    "a command to a runner": b"\n::add-mask::x.yaml",
    "carriage return": b"good.yaml\rbad",
    "tab": b"a\tb.yaml",
    "delete": b"a\x7fb.yaml",
    "C1": "a\u009b31mb.yaml".encode(),
    "bidi": "v1\u202elmay.yaml".encode(),
    "isolate": "v1\u2066x\u2069.yaml".encode(),
    "line separator": "a\u2028b.yaml".encode(),
    "arabic mark": "a\u061cb.yaml".encode(),
    "zero width": "v1\u200b.yaml".encode(),
    "option": b"--upload-pack=touch escaped",
    "dash": b"-",
    "tilde": b"~root",
    "variable": b"$(touch escaped).yaml",
    "backquote": b"`touch escaped`.yaml",
    "markdown": b"](javascript:alert(1)) @everyone #1 <img src=x>.yaml",
    "html": b"<script>alert(1)</script>.yaml",
    "pipe": b"| a | b |.yaml",
    "pathspec": b":(top)*.yaml",
    "glob": b"*",
    "long": b"n" * 5000,
    "long with an ending": b"n" * 5000 + b".yaml",
    "long version": b"v" + b"9" * 5000 + b".yaml",
    "arabic digits": "v\u0661.yaml".encode(),
    "superscript digit": "v².dvc".encode(),
    "fullwidth": "\uff56\uff11.yaml".encode(),
    "capital": b"V1.yaml",
    "leading zero": b"v01.yaml",
    "latest": b"latest.yaml",
    "dotfile": b".yaml",
    "only the ending": b".dvc",
    "colon": b"a:b.yaml",
    "percent": b"%2e%2e%2f.yaml",
    "quote": b"a\"b'c.yaml",
    "blank": b" .yaml",
    "number": b"123",
}
CONTENT = b"generation: 1\nversion: v0\n"


def put(history: History, folder: str, rows: list[tuple[bytes, bytes, bytes]], base: Mapping = START) -> str:
    """Give the top tree in which a folder holds some rows (mode, name, id) more, written as they are, unsorted."""
    repository = history.repository

    def rebuilt(id_: str | None, parts: list[str]) -> str:
        data = repository.read(id_)[1] if id_ is not None else b""
        if parts:
            entry = repository[id_][parts[0]] if id_ is not None and parts[0] in repository[id_] else None
            is_tree = entry is not None and entry.filemode == FOLDER
            inner = bytes.fromhex(rebuilt(str(entry.id) if is_tree else None, parts[1:]))
            row = b"40000 " + parts[0].encode() + b"\0"
            data = data.replace(row + entry.id.raw, row + inner) if is_tree else data + row + inner
        else:
            data += b"".join(mode + b" " + name + b"\0" + raw for mode, name, raw in rows)
        return str(repository.write(pygit2.enums.ObjectType.TREE, data))

    return rebuilt(history.tree(base), [part for part in folder.split("/") if part])


def row(history: History, name: bytes, mode: int | bytes, content: bytes | str = CONTENT) -> tuple[bytes, bytes, bytes]:
    """Give an entry of a tree: content is a file's bytes, or the id of what is there."""
    id_ = bytes.fromhex(content) if isinstance(content, str) else history.repository.create_blob(content).raw
    return (mode if isinstance(mode, bytes) else b"%o" % mode), name, id_


def _folder(history: History) -> str:
    return history.tree({"model.yaml": b"description: x\n", "aliases/a.yaml": CONTENT, "versions/v0.yaml": CONTENT})


KINDS: Mapping[str, Callable[[History, bytes], tuple[bytes, bytes, bytes]]] = {
    "file": lambda history, name: row(history, name, FILE),
    "folder": lambda history, name: row(history, name, FOLDER, _folder(history)),
    "link": lambda history, name: row(history, name, LINK, b"../../../../../../../../etc/passwd"),
    "submodule": lambda history, name: row(history, name, SUBMODULE, OTHER_COMMIT),
    "executable": lambda history, name: row(history, name, EXECUTABLE),
}


# --- whole trees ------------------------------------------------------------------------------------------------------


def deep(history: History, depth: int) -> str:
    """Give a folder in a folder in a folder, with a file in the last."""
    tree = history.tree({"x.yaml": CONTENT})
    for _ in range(depth):
        tree = str(history.repository.write(pygit2.enums.ObjectType.TREE, b"40000 d\0" + bytes.fromhex(tree)))
    return tree


def bomb(history: History, levels: int = 10, width: int = 10) -> str:
    """Give a tree of a few objects that stands for ten thousand million files."""
    tree = history.tree({f"f{number}": CONTENT for number in range(width)})
    for _ in range(levels):
        rows = b"".join(b"40000 d%d\0" % number + bytes.fromhex(tree) for number in range(width))
        tree = str(history.repository.write(pygit2.enums.ObjectType.TREE, rows))
    return tree

"""Rules on the manifest of a model version: safe paths, and one truth with DVC's hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from podium import manifest, model
from podium.checks import Example, File, Flaw, Rule, quoted
from podium.codec import Value
from podium.rules import examples

_AGAIN = "record the version anew with `podium log`"


class ManifestsMatchTheirHash(Rule):
    """
    The files of a manifest hash to the directory's md5, and sizes, counts and order agree with them.

    Why: DVC fetches by the hash and podium proves by the manifest; were they of different contents, a reviewed list of
    files would say nothing about what is handed out.

    Fix: don't write records by hand; record the version anew with ``podium log``.
    """

    id = "manifest-matches-hash"
    documents = ("version",)
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fourth"})
    }
    bad: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fourth"}).replace(
            examples.directory_hash({"model.safetensors": b"fourth"}), "0" * 32 + ".dir"
        ),
    }

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one record."""
        out = file.data["outs"][0]
        if out["path"] != file.place.member:
            yield Flaw(
                file.path, f"path is {out['path']} in the file of {file.place.member}", ("outs", 0, "path"), _AGAIN
            )
        files = file.data["meta"].get("files")
        if files is None:
            return
        found = manifest.directory_hash(model.File(**entry) for entry in files)
        if found != out["md5"]:
            yield Flaw(file.path, f"the manifest's files hash to {found}", ("outs", 0, "md5"), _AGAIN)
        else:
            yield from _sums(file.path, out, files)
        paths = [entry["path"] for entry in files]
        if paths != sorted(paths):
            position = next(n for n in range(1, len(paths)) if paths[n] < paths[n - 1])
            said = f"the manifest is not sorted: {quoted(paths[position])} comes before {quoted(paths[position - 1])}"
            yield Flaw(file.path, said, ("meta", "files", position, "path"), _AGAIN)


def _sums(path: str, out: Value, files: Value) -> Iterator[Flaw]:
    size = sum(entry["size"] for entry in files)
    if size != out["size"]:
        yield Flaw(path, f"the manifest's sizes add up to {size}, not {out['size']}", ("outs", 0, "size"), _AGAIN)
    if len(files) != out["nfiles"]:
        said = f"the manifest has {len(files)} files, not {out['nfiles']}"
        yield Flaw(path, said, ("outs", 0, "nfiles"), _AGAIN)


class ManifestPathsAreSafe(Rule):
    """
    A manifest's paths stay inside the version's folder, on every system.

    Why: a path that climbs (``../``), is absolute, or that Windows reads otherwise would write outside the folder that
    somebody asked for; two that differ in case only would overwrite each other.

    Fix: rename the files and record the version anew with ``podium log``.
    """

    id = "manifest-paths-safe"
    documents = ("version",)
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"nested/weights.bin": b"fourth"})
    }
    bad: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"../../.bashrc": b"fourth"})
    }

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one record."""
        paths = [entry["path"] for entry in file.data["meta"].get("files", ())]
        for path, reason in manifest.unsafe(paths):
            position = len(paths) - 1 - paths[::-1].index(path)  # of two that are equal, the later one is too much
            said = f"{quoted(path)} is no path for a file of a version: {reason}"
            yield Flaw(file.path, said, ("meta", "files", position, "path"), _AGAIN)


RULES = (ManifestsMatchTheirHash, ManifestPathsAreSafe)

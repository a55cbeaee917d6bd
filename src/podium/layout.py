"""The paths of a registry: which file holds what, and where a thing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from podium import refs

Document = Literal["registry", "model", "link", "alias", "artifact", "version"]
DOCUMENTS: tuple[Document, ...] = ("registry", "model", "link", "alias", "artifact", "version")

REGISTRY = "registry.yaml"
MODELS = "models"
ARTIFACTS = "artifacts"
SCHEMAS = "schemas"
TEAM_SCHEMAS = "schemas/team"
DVC_CONFIG = ".dvc/config"
CODEOWNERS = ".github/CODEOWNERS"
GITLAB_CODEOWNERS = ".gitlab/CODEOWNERS"


def model_folder(model: str) -> str:
    """Give the folder of a registered model."""
    return f"{MODELS}/{model}"


def artifact_folder(artifact: str) -> str:
    """Give the folder of a model artifact, named ``project/artifact``."""
    return f"{ARTIFACTS}/{artifact}"


def folder(kind: refs.Kind, name: str) -> str:
    """Give the folder of a registered model or of a model artifact."""
    return model_folder(name) if kind == "model" else artifact_folder(name)


def about(kind: refs.Kind, name: str) -> str:
    """Give the file that describes a registered model or a model artifact."""
    return f"{folder(kind, name)}/{kind}.yaml"


def card(model: str) -> str:
    """Give the model card of a registered model."""
    return f"{MODELS}/{model}/README.md"


def alias(kind: refs.Kind, name: str, alias: str) -> str:
    """Give the file of an alias."""
    return f"{folder(kind, name)}/aliases/{alias}.yaml"


def version(kind: refs.Kind, name: str, version: str) -> str:
    """Give the file of a link (of a registered model) or of a model version (of an artifact)."""
    return f"{folder(kind, name)}/versions/{version}{'.yaml' if kind == 'model' else '.dvc'}"


def shipped_schema(document: Document) -> str:
    """Give the file in which a registry keeps podium's schema of a kind of document."""
    return f"{SCHEMAS}/{document}.schema.json"


def team_schema(document: Document) -> str:
    """Give the file of a team's own schema for a kind of document."""
    return f"{TEAM_SCHEMAS}/{document}.schema.json"


@dataclass(frozen=True)
class Place:
    """What a path of a registry holds: a document, of which model or artifact, under which version or alias."""

    document: Document
    kind: refs.Kind | None = None
    name: str = ""
    member: str = ""


def place(path: str) -> Place | None:
    """
    Say what the format keeps at a path; ``None`` where it keeps no document there.

    Only the shape of the path is looked at: whether the names in it are allowed is for the rules to say.
    """
    parts = path.split("/")
    if path == REGISTRY:
        return Place("registry")
    if parts[0] == MODELS and len(parts) >= 3:
        return _inside("model", parts[1], parts[2:])
    if parts[0] == ARTIFACTS and len(parts) >= 4:
        return _inside("artifact", f"{parts[1]}/{parts[2]}", parts[3:])
    return None


def _inside(kind: refs.Kind, name: str, rest: list[str]) -> Place | None:
    if rest == [f"{kind}.yaml"]:
        return Place(kind, kind, name)
    if len(rest) != 2:
        return None
    stem, dot, suffix = rest[1].rpartition(".")
    if rest[0] == "aliases" and dot and suffix == "yaml":
        return Place("alias", kind, name, stem)
    if rest[0] == "versions" and suffix == ("yaml" if kind == "model" else "dvc") and refs.is_version(stem):
        return Place("link" if kind == "model" else "version", kind, name, stem)
    return None


# --- what has no meaning of its own ---------------------------------------------------------------------------------

_REVIEW = "changes who must review"
_CHECKS = "changes which checks run"
_FILES = {
    DVC_CONFIG: "changes where the bytes are",
    REGISTRY: "changes the registry's settings",
    ".gitmodules": "changes which other repositories are drawn in",
    **dict.fromkeys(("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"), _REVIEW),
    **dict.fromkeys((".gitlab-ci.yml", ".pre-commit-config.yaml", ".travis.yml", "Jenkinsfile"), _CHECKS),
    **dict.fromkeys(("azure-pipelines.yml", "bitbucket-pipelines.yml"), _CHECKS),
}
_FOLDERS = {
    f"{MODELS}/": "changes in a way that has no meaning in the format",
    f"{ARTIFACTS}/": "changes in a way that has no meaning in the format",
    f"{SCHEMAS}/": "changes the schemas",
    ".dvc/": "changes how DVC is set up",
    **dict.fromkeys((".github/workflows/", ".github/actions/", ".gitlab/ci/"), _CHECKS),
    **dict.fromkeys((".gitea/workflows/", ".forgejo/workflows/", ".circleci/"), _CHECKS),
}


def concern(path: str) -> str | None:
    """Say why somebody should look at a file without a meaning of its own; ``None``: not the registry's business."""
    if path.rpartition("/")[2] == ".gitattributes":
        return "changes how Git merges and stores files"
    return _FILES.get(path) or next((why for folder, why in _FOLDERS.items() if path.startswith(folder)), None)

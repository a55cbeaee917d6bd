"""Git: the only pygit2, and the git binary for the network and for merges."""

from __future__ import annotations

from podium.git.branch import author, check_can_commit, commit_paths, training_source
from podium.git.conflicts import (
    Joining,
    changed_by,
    install_driver,
    is_settled,
    joining,
    last_change,
    merge_text,
    name_of,
    stage,
    staged,
    unmerged,
)
from podium.git.fresh import init, top_level
from podium.git.merging import Merge, borrowing, merge_result
from podium.git.objects import (
    ObjectTree,
    commit_objects,
    commit_tree,
    differences,
    open_repository,
    shallow_boundary,
)
from podium.git.program import Ran, cleaned, output, redacted, run
from podium.git.remote import Advertised, Remote
from podium.git.revisions import (
    branch_point,
    commit_at_date,
    commit_named,
    contains,
    contents_over_time,
    default_tip,
    first_parents,
    first_parents_until,
    merge_base,
    parents,
    resolve_rev,
)
from podium.git.sources import (
    Bare,
    Checkout,
    Hosted,
    Source,
    cache_folder,
    check_registry,
    locate,
    lock,
)
from podium.git.tip import Target, target
from podium.git.worktree import WorkingTree

__all__ = [
    "Advertised",
    "Bare",
    "Checkout",
    "Hosted",
    "Joining",
    "Merge",
    "ObjectTree",
    "Ran",
    "Remote",
    "Source",
    "Target",
    "WorkingTree",
    "author",
    "borrowing",
    "branch_point",
    "cache_folder",
    "changed_by",
    "check_can_commit",
    "check_registry",
    "cleaned",
    "commit_at_date",
    "commit_named",
    "commit_objects",
    "commit_paths",
    "commit_tree",
    "contains",
    "contents_over_time",
    "default_tip",
    "differences",
    "first_parents",
    "first_parents_until",
    "init",
    "install_driver",
    "is_settled",
    "joining",
    "last_change",
    "locate",
    "lock",
    "merge_base",
    "merge_result",
    "merge_text",
    "name_of",
    "open_repository",
    "output",
    "parents",
    "redacted",
    "resolve_rev",
    "run",
    "shallow_boundary",
    "stage",
    "staged",
    "target",
    "top_level",
    "training_source",
    "unmerged",
]

"""Git: the only pygit2, and the git binary for the network and for merges."""

from __future__ import annotations

from podium import deferred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from podium.git.batch import by_name
    from podium.git.bounds import GivenUp
    from podium.git.branch import author, catch_up, check_can_commit, commit_paths, training_source
    from podium.git.conflicts import (
        Joining,
        changed_by,
        install_driver,
        is_joining,
        is_settled,
        joining,
        last_change,
        merge_text,
        name_of,
        reopen,
        stage,
        staged,
        unmerged,
    )
    from podium.git.differing import differences
    from podium.git.everywhere import View, sweep, view
    from podium.git.fresh import init, top_level
    from podium.git.hosted import Hosted
    from podium.git.ids import of_file
    from podium.git.leftovers import clear
    from podium.git.line import Turn, ask, contents_over_time, made_at, turns
    from podium.git.locks import lock
    from podium.git.looking import Look, index
    from podium.git.merging import Merge, borrowing, merge_result, scratch
    from podium.git.objects import (
        ObjectTree,
        commit_tree,
        common_folder,
        open_repository,
        plain_files,
        shallow_boundary,
    )
    from podium.git.program import NETWORK, Begun, Ran, cleaned, output, run
    from podium.git.pushes import Pushes
    from podium.git.remote import Advertised, Remote
    from podium.git.revisions import (
        branch_point,
        check_unborn,
        commit_at_date,
        commit_named,
        contains,
        default_tip,
        end_of,
        first_parents,
        first_parents_until,
        merge_base,
        parents,
        published_tip,
        resolve_rev,
    )
    from podium.git.rewind import PastTree, Rewinding
    from podium.git.sources import (
        Bare,
        Checkout,
        Source,
        check_registry,
        git_dir_of,
        locate,
        refuse_planted,
    )
    from podium.git.tip import Target, target
    from podium.git.trail import is_kept
    from podium.git.worktree import WorkingTree
    from podium.git.writing import commit_objects
    from podium.visible import redacted
else:
    __getattr__ = deferred.names(
        __name__,
        {
            "batch": "by_name",
            "bounds": "GivenUp",
            "branch": "author catch_up check_can_commit commit_paths training_source",
            "conflicts": "Joining changed_by install_driver is_joining is_settled joining last_change "
            "merge_text name_of reopen stage staged unmerged",
            "differing": "differences",
            "everywhere": "View sweep view",
            "fresh": "init top_level",
            "hosted": "Hosted",
            "ids": "of_file",
            "leftovers": "clear",
            "line": "Turn ask contents_over_time made_at turns",
            "locks": "lock",
            "looking": "Look index",
            "merging": "Merge borrowing merge_result scratch",
            "objects": "ObjectTree commit_tree common_folder open_repository plain_files shallow_boundary",
            "program": "NETWORK Begun Ran cleaned output redacted run",
            "pushes": "Pushes",
            "remote": "Advertised Remote",
            "revisions": "branch_point check_unborn commit_at_date commit_named contains default_tip end_of "
            "first_parents first_parents_until merge_base parents published_tip resolve_rev",
            "rewind": "PastTree Rewinding",
            "sources": "Bare Checkout Source check_registry git_dir_of locate refuse_planted",
            "tip": "Target target",
            "trail": "is_kept",
            "worktree": "WorkingTree",
            "writing": "commit_objects",
        },
    )

__all__ = [
    "NETWORK",
    "Advertised",
    "Bare",
    "Begun",
    "Checkout",
    "GivenUp",
    "Hosted",
    "Joining",
    "Look",
    "Merge",
    "ObjectTree",
    "PastTree",
    "Pushes",
    "Ran",
    "Remote",
    "Rewinding",
    "Source",
    "Target",
    "Turn",
    "View",
    "WorkingTree",
    "ask",
    "author",
    "borrowing",
    "branch_point",
    "by_name",
    "catch_up",
    "changed_by",
    "check_can_commit",
    "check_registry",
    "check_unborn",
    "cleaned",
    "clear",
    "commit_at_date",
    "commit_named",
    "commit_objects",
    "commit_paths",
    "commit_tree",
    "common_folder",
    "contains",
    "contents_over_time",
    "default_tip",
    "differences",
    "end_of",
    "first_parents",
    "first_parents_until",
    "git_dir_of",
    "index",
    "init",
    "install_driver",
    "is_joining",
    "is_kept",
    "is_settled",
    "joining",
    "last_change",
    "locate",
    "lock",
    "made_at",
    "merge_base",
    "merge_result",
    "merge_text",
    "name_of",
    "of_file",
    "open_repository",
    "output",
    "parents",
    "plain_files",
    "published_tip",
    "redacted",
    "refuse_planted",
    "reopen",
    "resolve_rev",
    "run",
    "scratch",
    "shallow_boundary",
    "stage",
    "staged",
    "sweep",
    "target",
    "top_level",
    "training_source",
    "turns",
    "unmerged",
    "view",
]

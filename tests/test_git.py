"""git.py against real repositories: what is read, from where, and what is said when it cannot be."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from podium import checks, git, rules, tree
from podium.errors import Denied, Error, NotARegistry, TooLarge, Unavailable, Usage
from podium.tree import EXECUTABLE, FILE, FOLDER, LINK, SUBMODULE, Entry

REGISTRY = "apiVersion: podium/v1\nentity: acme\n"


def run(folder, *arguments, text="", **environment):
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=text.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip()


pytestmark = pytest.mark.usefixtures("own_settings")


@pytest.fixture
def root(tmp_path):
    """A checkout with a registry of one model and one artifact, committed."""
    root = tmp_path / "registry"
    run(tmp_path, "init", "--quiet", str(root))
    write(root, "registry.yaml", REGISTRY)
    write(root, "models/m/model.yaml", "description: m\n")
    write(root, "models/m/versions/v0.yaml", "artifact: p/a\nversion: v0\n")
    write(root, "artifacts/p/a/artifact.yaml", "description: a\n")
    commit(root, "first", "2026-01-10T12:00:00Z")
    return root


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def commit(root, subject, date="2026-01-10T12:00:00Z"):
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "-m", subject, GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE="2001-01-01T00:00:00Z")
    return run(root, "rev-parse", "HEAD")


@pytest.fixture
def bare(tmp_path, root):
    """A bare repository with what the checkout has, as its origin."""
    bare = tmp_path / "origin.git"
    run(tmp_path, "clone", "--quiet", "--bare", str(root), str(bare))
    run(root, "remote", "add", "origin", str(bare))
    run(root, "fetch", "--quiet", "origin")
    return bare


def names(entries):
    return [entry.name for entry in entries]


# --- finding a registry ---------------------------------------------------------------------------------------------


def test_a_checkout_is_found_from_any_folder_in_it(root):
    assert git.locate(None, root / "models" / "m") == git.Checkout(root)
    assert git.locate(str(root), Path("/")) == git.Checkout(root)
    assert git.locate("registry", root.parent) == git.Checkout(root)
    assert git.locate(None, root / ".git" / "hooks") == git.locate(str(root / ".git"), root) == git.Checkout(root)


def test_a_bare_repository_is_found_by_its_path_and_from_inside(bare):
    assert git.locate(str(bare), Path("/")) == git.Bare(bare)
    assert git.locate(None, bare) == git.Bare(bare)


def test_the_search_stops_where_another_repository_begins(root):
    run(root, "init", "--quiet", "training")
    with pytest.raises(NotARegistry):
        git.locate(None, root / "training")


def test_a_link_in_the_place_of_the_registry_file_is_no_registry(tmp_path, root):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "registry.yaml").symlink_to(root / "registry.yaml")
    with pytest.raises(NotARegistry):
        git.locate(None, tmp_path / "other")


@pytest.mark.parametrize(
    "address", ["https://git.acme.dev/m.git", "ssh://git@acme.dev/m", "git@acme.dev:team/m.git", "file:///srv/m.git"]
)
def test_an_address_is_a_hosted_registry(address, tmp_path):
    found = git.locate(address, tmp_path)
    assert isinstance(found, git.Hosted)
    assert found.cache.parent == tmp_path / "cache" / "registries"


@pytest.mark.parametrize(
    "address", ["ext::sh -c id", "--upload-pack=id", "ftp://a/b", "ssh://-oProxyCommand=id/x", "a\nb"]
)
def test_an_address_that_could_run_a_program_is_refused(address, tmp_path):
    with pytest.raises(Usage):
        git.locate(address, tmp_path)


def test_credentials_are_in_no_label_and_do_not_split_the_cache(tmp_path):
    one = git.locate("https://ada:secret@git.acme.dev/m.git", tmp_path)
    other = git.locate("https://token@git.acme.dev/m.git", tmp_path)
    assert one.label == "https://***@git.acme.dev/m.git"
    assert one.cache == other.cache


def test_an_unreachable_url_is_unavailable_and_does_not_show_the_password(tmp_path):
    hosted = git.locate("http://ada:secret@127.0.0.1:9/m.git", tmp_path)
    with pytest.raises(Unavailable) as caught:
        hosted.tree()
    assert "secret" not in str(caught.value) + caught.value.hint
    assert caught.value.hint.startswith("check the network")


# --- a commit as a tree ---------------------------------------------------------------------------------------------


def test_a_commit_is_read_without_a_checkout(root, bare):
    for source in (git.Checkout(root), git.Bare(bare), git.locate(f"file://{bare}", root)):
        files = source.tree("main")
        assert files.commit == run(root, "rev-parse", "HEAD")
        assert names(files.list("")) == ["artifacts", "models", "registry.yaml"]
        assert files.read("registry.yaml") == REGISTRY.encode()
        assert [path for path, _ in tree.walk(files, "models")] == ["models/m/model.yaml", "models/m/versions/v0.yaml"]
        assert files.entry("models/m/none.yaml") is None
        assert files.list("registry.yaml") == ()


def test_links_submodules_executables_and_odd_names_are_shown_as_they_are(root):
    blob = run(root, "hash-object", "-w", "--stdin", text="x")
    commit_id = run(root, "rev-parse", "HEAD")
    registry = run(root, "rev-parse", "HEAD:registry.yaml")
    lines = [
        f"100644 blob {registry}\tregistry.yaml",
        f"120000 blob {blob}\tlink",
        f"160000 commit {commit_id}\tmodule",
        f"100755 blob {blob}\tscript",
        f"100644 blob {blob}\t\udcff",
    ]
    listing = "\0".join(lines).encode("utf-8", "surrogateescape") + b"\0"
    made = subprocess.run(["git", "mktree", "-z"], cwd=root, input=listing, capture_output=True, check=True).stdout
    odd = run(root, "commit-tree", "-m", "odd", made.decode().strip())
    files = git.Checkout(root).tree(odd)
    modes = {entry.name: entry.mode for entry in files.list("")}
    assert modes == {"registry.yaml": FILE, "link": LINK, "module": SUBMODULE, "script": EXECUTABLE, "\udcff": FILE}
    assert files.read("\udcff") == b"x"
    assert files.read("script") == b"x"
    for path in ("link", "module", "nothing", "link/x"):
        with pytest.raises(KeyError):
            files.read(path)


def test_hostile_names_in_a_tree_are_names_and_lead_nowhere(root):
    blob = run(root, "hash-object", "-w", "--stdin", text="x")
    raw = bytes.fromhex(blob)
    content = b"100664 ..\0" + raw + b"100644 .git\0" + raw
    made = run_bytes(root, content, "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
    repository = git.Checkout(root).repository
    files = git.ObjectTree(repository, made)
    assert files.list("") == (Entry("..", 0o100664, blob), Entry(".git", FILE, blob))
    assert files.list("../..") == ()


def run_bytes(root, content, *arguments):
    return (
        subprocess.run(["git", *arguments], cwd=root, input=content, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


def test_a_missing_object_is_unavailable(root):
    blob = run(root, "rev-parse", "HEAD:registry.yaml")
    files = git.Checkout(root).tree("HEAD")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(Unavailable):
        files.read("registry.yaml")


def test_what_is_larger_than_any_file_of_a_registry_is_not_read(root):
    (root / "models/m/model.yaml").write_bytes(b"a" * (9 * 1024 * 1024))
    (root / "schemas/team").mkdir(parents=True)
    (root / "schemas/team/link.schema.json").write_bytes(b"a" * (9 * 1024 * 1024))
    commit(root, "large")
    found = git.Checkout(root).tree("HEAD")
    with pytest.raises(TooLarge, match="9437184 bytes"):
        found.read("models/m/model.yaml")
    said = {(f.rule, f.path, f.message) for f in checks.check(found, rules.ALL).findings}
    assert ("yaml-strict", "models/m/model.yaml", "the file is larger than 1 MiB") in said
    assert ("team-schema", "schemas/team/link.schema.json", "is larger than 256 KiB") in said


def test_a_revision_without_a_registry_is_denied(root):
    (root / "registry.yaml").unlink()
    (root / "registry.yaml").symlink_to("models/m/model.yaml")
    linked = commit(root, "link")
    with pytest.raises(Denied, match=r"no plain file registry\.yaml"):
        git.Checkout(root).tree(linked)
    run(root, "rm", "--quiet", "registry.yaml")
    with pytest.raises(Denied, match=r"there is no registry\.yaml"):
        git.Checkout(root).tree(commit(root, "gone"))


# --- revisions ------------------------------------------------------------------------------------------------------


def test_a_revision_is_a_commit_a_branch_a_tag_or_a_date(root):
    first = run(root, "rev-parse", "HEAD")
    write(root, "models/m/README.md", "# m\n")
    second = commit(root, "second", "2026-03-01T00:00:01Z")
    run(root, "tag", "-a", "-m", "one", "one", first)
    repository = git.Checkout(root).repository
    asked = ("HEAD~1", first[:10], "one", "2026-03-01", "main", "2026-03-02")
    assert [git.resolve_rev(repository, rev) for rev in asked] == [first, first, first, first, second, second]


def test_a_date_follows_first_parents_of_the_default_branch_by_committer_date(root, bare):
    first = run(root, "rev-parse", "HEAD")
    run(root, "switch", "--quiet", "-c", "side")
    write(root, "models/m/README.md", "# m\n")
    commit(root, "on the side", "2026-02-01T00:00:00Z")
    run(root, "switch", "--quiet", "main")
    run(root, "merge", "--quiet", "--no-ff", "-m", "merge", "side", GIT_COMMITTER_DATE="2026-04-01T00:00:00Z")
    repository = git.Checkout(root).repository
    assert git.resolve_rev(repository, "2026-03-01") == first
    run(root, "remote", "set-head", "origin", "main")
    assert git.resolve_rev(repository, "2026-05-01") == first  # origin/HEAD, which has no merge


@pytest.mark.parametrize(
    ("rev", "error"), [("nope", Denied), ("-x", Denied), ("2026-13-01", Usage), ("2020-01-01", Denied)]
)
def test_a_revision_that_is_not_there(root, rev, error):
    with pytest.raises(error):
        git.Checkout(root).tree(rev)


def test_a_branch_that_only_the_remote_has_is_found(root, bare):
    run(bare, "branch", "feature", "main")
    run(root, "fetch", "--quiet", "origin")
    assert git.Checkout(root).tree("feature").commit == run(root, "rev-parse", "HEAD")


def test_a_shallow_clone_cannot_tell(tmp_path, root):
    first = run(root, "rev-parse", "HEAD")
    write(root, "models/m/README.md", "# m\n")
    second = commit(root, "second", "2026-03-01T00:00:01Z")
    run(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    repository = git.Checkout(tmp_path / "shallow").repository
    other = run(tmp_path / "shallow", "commit-tree", "-m", "x", "HEAD^{tree}")
    assert list(zip([second], git.first_parents(repository, second), strict=False)) == [(second, second)]
    for ask in (
        lambda: git.resolve_rev(repository, "2026-02-01"),
        lambda: git.resolve_rev(repository, first),
        lambda: git.merge_base(repository, second, other),
        lambda: list(git.first_parents(repository, second)),
    ):
        with pytest.raises(Unavailable, match="shallow"):
            ask()


def test_a_partial_clone_says_which_object_is_missing(tmp_path, root):
    run(root, "config", "uploadpack.allowFilter", "true")
    run(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{root}", "partial")
    files = git.Checkout(tmp_path / "partial").tree("HEAD")
    with pytest.raises(Unavailable, match="lacks an object") as lacking:
        files.read("registry.yaml")
    way = re.findall(r"`git ([^`]*)`", lacking.value.hint)[-1]
    run(tmp_path / "partial", *way.split())
    assert b"podium/v1" in git.Checkout(tmp_path / "partial").tree("HEAD").read("registry.yaml")


@pytest.mark.parametrize(
    ("settings", "word"),
    [("[extensions]\n\tobjectFormat = sha256", "SHA-256"), ("[extensions]\n\trefStorage = reftable", "reftable")],
)
def test_a_repository_that_libgit2_cannot_open_is_unavailable(root, settings, word):
    with (root / ".git" / "config").open("a") as file:
        file.write(f"[core]\n\trepositoryformatversion = 1\n{settings}\n")
    with pytest.raises(Unavailable, match=word):
        git.Checkout(root).tree("HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_unavailable_with_the_remedy(root):
    for path in (root, root / ".git"):
        os.chown(path, 12345, 12345)
    for source in (git.Checkout(root), git.locate(f"file://{root}", root)):
        with pytest.raises(Unavailable) as caught:
            source.tree("HEAD")
        assert f"safe.directory {root}" in caught.value.hint


def test_a_registry_below_the_top_of_its_repository_is_read_but_has_no_revisions(tmp_path, root):
    write(root, "sub/registry.yaml", REGISTRY)
    below = git.locate(None, root / "sub")
    assert below.tree().read("registry.yaml") == REGISTRY.encode()
    with pytest.raises(Denied, match="not the top folder"):
        below.tree("HEAD")


def test_a_linked_work_tree_is_a_checkout(tmp_path, root):
    run(root, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    linked = git.locate(None, tmp_path / "linked")
    assert linked.tree("HEAD").commit == run(root, "rev-parse", "HEAD")
    assert git.shallow_boundary(linked.repository) == frozenset()


# --- the working tree -----------------------------------------------------------------------------------------------


def test_a_working_tree_shows_what_git_would(root):
    write(root, ".gitignore", "*.tmp\n/artifacts/*/*/versions/v*/\n__pycache__/\n")
    write(root, "models/m/notes.tmp", "ignored")
    write(root, "models/m/notes.txt", "untracked")
    write(root, "models/__pycache__/x.pyc", "ignored")
    write(root, "artifacts/p/a/versions/v0.dvc", "outs: []\n")
    write(root, "artifacts/p/a/versions/v0/model.bin", "a workspace copy")
    write(root, "artifacts/p/b/versions/v0/model.bin", "a workspace copy and nothing else")
    (root / "models" / "empty" / "versions").mkdir(parents=True)
    (root / "models" / "m" / "run.sh").write_text("")
    (root / "models" / "m" / "run.sh").chmod(0o755)
    (root / "models" / "m" / "link").symlink_to("/etc")
    os.mkfifo(root / "models" / "m" / "pipe")
    files = git.Checkout(root).tree()
    assert {path: entry.mode for path, entry in [*tree.walk(files, "models"), *tree.walk(files, "artifacts")]} == {
        "models/m/link": LINK,
        "models/m/model.yaml": FILE,
        "models/m/notes.txt": FILE,
        "models/m/pipe": 0o010000,
        "models/m/run.sh": EXECUTABLE,
        "models/m/versions/v0.yaml": FILE,
        "artifacts/p/a/artifact.yaml": FILE,
        "artifacts/p/a/versions/v0.dvc": FILE,
    }
    assert names(files.list("models")) == ["m"]
    assert files.entry("models/empty") is None
    assert files.entry("artifacts/p/a/versions/v0") is None
    assert files.entry("models/m") == Entry("m", FOLDER)


def test_a_workspace_copy_that_was_added_to_git_is_shown(root):
    write(root, ".gitignore", "/artifacts/*/*/versions/v*/\n")
    write(root, "artifacts/p/a/versions/v0/model.bin", "bytes")
    run(root, "add", "--force", "artifacts/p/a/versions/v0/model.bin")
    files = git.Checkout(root).tree()
    assert names(files.list("artifacts/p/a/versions")) == ["v0"]
    assert names(files.list("artifacts/p/a/versions/v0")) == ["model.bin"]


def test_a_working_tree_never_follows_a_link(root, tmp_path):
    write(tmp_path, "elsewhere/model.yaml", "description: stolen\n")
    (root / "models" / "x").symlink_to(tmp_path / "elsewhere")
    (root / "models" / "m" / "README.md").symlink_to(tmp_path / "elsewhere" / "model.yaml")
    os.mkfifo(root / "models" / "m" / "versions" / "v1.yaml")
    files = git.Checkout(root).tree()
    assert files.entry("models/x") == Entry("x", LINK)
    assert files.entry("models/m/README.md") == Entry("README.md", LINK)
    assert files.list("models/x") == ()
    for path in (
        "models/x/model.yaml",
        "models/m/README.md",
        "models/m/versions/v1.yaml",
        "models/../registry.yaml",
        "models/m",
    ):
        with pytest.raises(KeyError):
            files.read(path)


def test_a_repository_inside_is_a_submodule(root):
    run(root, "init", "--quiet", "models/inner")
    write(root, "models/inner/model.yaml", "description: other\n")
    commit(root / "models" / "inner", "inner")
    files = git.Checkout(root).tree()
    assert files.entry("models/inner") == Entry("inner", SUBMODULE)
    assert files.list("models") == (Entry("inner", SUBMODULE), Entry("m", FOLDER))
    assert files.list("models/inner") == ()


def test_a_folder_that_is_no_repository_yet_can_be_read(tmp_path):
    write(tmp_path, "new/registry.yaml", REGISTRY)
    write(tmp_path, "new/models/m/odd.txt", "")
    write(tmp_path, "new/artifacts/p/a/versions/v0/model.bin", "")
    files = git.locate(None, tmp_path / "new").tree()
    assert [path for path, _ in tree.walk(files, "")] == ["models/m/odd.txt", "registry.yaml"]
    with pytest.raises(Denied, match="no Git repository"):
        git.Checkout(tmp_path / "new").tree("HEAD")


def test_names_that_are_no_utf8_survive(root):
    (root / os.fsdecode(b"models/m/\xff.txt")).write_text("x")
    files = git.Checkout(root).tree()
    assert "\udcff.txt" in names(files.list("models/m"))
    assert files.read("models/m/\udcff.txt") == b"x"


def test_reading_a_working_tree_needs_neither_pygit2_nor_git(root):
    write(
        root, "usr/lib/somebodys.own", ""
    )  # Git is not asked either what lies beside a registry: it may be a whole disk
    write(root, ".github/CODEOWNERS", "")
    program = (
        "import sys; from pathlib import Path; from podium import codeowners, git\n"
        "assert codeowners.place(git.locate(None, Path.cwd()).tree()) == '.github/CODEOWNERS'\n"
        "files = git.locate(None, Path.cwd()).tree()\n"
        "assert files.read('models/m/versions/v0.yaml') and files.list('models') and files.list('models/m/versions')\n"
        "assert 'pygit2' not in sys.modules"
    )
    environment = {**os.environ, "PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], cwd=root, env=environment, check=True)


# --- differences and new commits ------------------------------------------------------------------------------------


def test_differences_are_the_paths_that_differ(root):
    before = git.Checkout(root).tree("HEAD")
    write(root, "models/m/README.md", "# m\n")
    (root / "models" / "m" / "model.yaml").chmod(0o755)
    (root / "models" / "m" / "versions" / "v0.yaml").unlink()
    (root / "models" / "m" / "versions").rmdir()
    write(root, "models/m/versions", "a file where a folder was")
    after = git.Checkout(root).tree(commit(root, "second"))
    found = list(git.differences(before.repository, before.id, after.id))
    assert [(one.path, one.before is None, one.after is None) for one in found] == [
        ("models/m/README.md", True, False),
        ("models/m/model.yaml", False, False),
        ("models/m/versions", True, False),
        ("models/m/versions/v0.yaml", False, True),
    ]
    assert len(list(git.differences(before.repository, None, before.id))) == 4


def test_a_commit_of_objects_moves_nothing(root):
    checkout = git.Checkout(root)
    head = run(root, "rev-parse", "HEAD")
    changes = {"models/m/versions/v1.yaml": b"x", "models/n/model.yaml": b"y", "artifacts/p/a/artifact.yaml": None}
    made = git.commit_objects(checkout.repository, head, changes, "Second")
    assert run(root, "show", "--no-renames", "--name-status", "--format=%s %an <%ae> %P", made).splitlines() == [
        f"Second Ada <ada@acme.dev> {head}",
        "",
        "D\tartifacts/p/a/artifact.yaml",
        "A\tmodels/m/versions/v1.yaml",
        "A\tmodels/n/model.yaml",
    ]
    assert run(root, "rev-parse", "HEAD") == head
    assert run(root, "status", "--porcelain") == ""
    assert run(root, "fsck", "--strict").startswith("dangling commit")


def test_a_commit_of_objects_never_goes_through_a_link(root):
    (root / "models" / "x").symlink_to("/tmp")
    head = commit(root, "link")
    with pytest.raises(Denied, match="models/x is no folder"):
        git.commit_objects(git.Checkout(root).repository, head, {"models/x/model.yaml": b""}, "no")


def test_who_commits_must_be_known(root, monkeypatch):
    assert git.author(git.Checkout(root)) == "Ada <ada@acme.dev>"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    run(root, "config", "user.useConfigOnly", "true")
    for ask in (
        lambda: git.author(git.Checkout(root)),
        lambda: git.commit_objects(git.Checkout(root).repository, None, {"a": b""}, "x"),
    ):
        with pytest.raises(Denied) as caught:
            ask()
        assert "user.email" in caught.value.hint


# --- a hosted registry ----------------------------------------------------------------------------------------------


def test_a_hosted_registry_is_fetched_before_it_is_read(root, bare):
    address = f"file://{bare}"
    assert git.locate(address, root).tree().entry("models/m/README.md") is None
    write(root, "models/m/README.md", "# m\n")
    commit(root, "card")
    run(root, "push", "--quiet", "origin", "HEAD:main", "HEAD:gone")
    assert git.locate(address, root).tree().entry("models/m/README.md") is not None
    run(bare, "branch", "-D", "gone")
    with pytest.raises(Denied):
        git.locate(address, root).tree("gone")


def test_a_clone_is_as_fresh_as_the_remote_where_all_refs_agree(root, bare):
    run(bare, "tag", "-a", "-m", "one", "one", "main")
    hosted = git.locate(f"file://{bare}", root)
    assert hosted.tree("one").commit == run(root, "rev-parse", "HEAD")
    there = {ref: id_ for id_, ref in (line.split() for line in run(hosted.cache, "show-ref").splitlines())}
    assert hosted.remote().advertised() == git.Advertised("main", there)


def test_a_clone_that_a_killed_fetch_left_locked_is_mended(root, bare):
    hosted = git.locate(f"file://{bare}", root)
    hosted.tree()
    write(root, "models/m/README.md", "# m\n")
    commit(root, "card")
    run(root, "push", "--quiet", "origin", "HEAD:main")
    (hosted.cache / "refs" / "heads" / "main.lock").touch()
    assert git.locate(f"file://{bare}", root).tree().entry("models/m/README.md") is not None


def test_many_processes_share_one_clone(root, bare):
    program = "import sys; from pathlib import Path; from podium import git; "
    program += "print(git.locate(sys.argv[1], Path.cwd()).tree().commit)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, f"file://{bare}"]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(5)]
    assert {one.communicate()[0].decode().strip() for one in started} == {run(root, "rev-parse", "HEAD")}


def test_a_remote_whose_head_names_no_branch_is_read_at_its_only_branch(tmp_path, root, bare):
    run(bare, "symbolic-ref", "HEAD", "refs/heads/master")
    for source in (git.Bare(bare), git.locate(f"file://{bare}", root)):
        assert source.tree().commit == run(root, "rev-parse", "HEAD")
    assert git.target(git.Checkout(root)).branch == "main"


def test_an_empty_remote_is_told_in_words(tmp_path, root):
    run(tmp_path, "init", "--quiet", "--bare", "empty.git")
    run(root, "remote", "add", "origin", str(tmp_path / "empty.git"))
    with pytest.raises(Denied, match="is empty"):
        git.target(git.Checkout(root))
    with pytest.raises(Denied, match="no commit"):
        git.Bare(tmp_path / "empty.git").tree()


def test_a_checkout_without_a_remote_says_so(root):
    with pytest.raises(Denied, match="no remote"):
        git.target(git.Checkout(root))


def test_what_others_say_is_fit_to_show():
    said = git.cleaned("\x1b[31mno\x1b[0m \x1b]0;title\x07way\x00\u202e https://ada:pw@x.dev/r git://u:p@h/x\r\n")
    assert said == "no way https://***@x.dev/r git://***@h/x"


def test_training_code_is_named_by_origin_and_commit(tmp_path, root):
    run(tmp_path, "init", "--quiet", "training")
    training = tmp_path / "training"
    write(training, "train.py", "")
    made = commit(training, "train")
    run(training, "remote", "add", "origin", "https://ada:secret@git.acme.dev/train.git")
    assert git.training_source(training) == {"repository": "https://git.acme.dev/train.git", "commit": made}
    write(training, "train.py", "changed")
    assert git.training_source(training)["commit"] == f"{made}-dirty"
    assert git.training_source(root) == git.training_source(tmp_path) == {}


def test_branch_point_is_where_a_branch_left_the_default_branch(root, bare):
    first = run(root, "rev-parse", "HEAD")
    run(root, "switch", "--quiet", "-c", "mine")
    write(root, "models/m/README.md", "# m\n")
    commit(root, "card")
    assert git.branch_point(git.Checkout(root).repository) == first


def test_errors_of_this_module_are_podiums(tmp_path):
    with pytest.raises(Error):
        git.open_repository(tmp_path / "nothing")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("where", ["root", "bare", "worktree"])
def test_refs_that_killed_fetches_left_are_swept_once_they_are_a_day_old(root, bare, tmp_path, where, packed):
    run(root, "worktree", "add", "-q", "--detach", str(tmp_path / "worktree"))
    folder = {"root": root, "bare": bare, "worktree": tmp_path / "worktree"}[where]
    day = int(time.time()) - 86400
    mine = [f"{day + seconds:08x}-{'0' * 16}" for seconds in (-60, 60)]
    stays = [f"refs/podium/tip-{mine[1]}", "refs/podium/tip-of-mine", "refs/heads/tip-0123456789abcdef"]
    goes = [f"refs/podium/tip-{mine[0]}", "refs/podium/tip-0123456789abcdef"]  # the other kind is of its commit's age
    for ref in stays + goes:
        run(folder, "update-ref", ref, "HEAD")
    if packed:
        run(folder, "pack-refs", "--all")
    git.sweep(git.locate(str(folder), tmp_path))
    left = run(folder, "for-each-ref", "--format=%(refname)").splitlines()
    assert {*stays, *goes} & set(left) == set(stays)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs ssh")
def test_what_ssh_says_is_told_with_what_git_says(tmp_path):
    with pytest.raises(Unavailable, match=r"port 9: Connection refused; fatal: Could not read") as refused:
        git.locate("ssh://127.0.0.1:9/models.git", tmp_path).tree()
    assert "check the network" in refused.value.hint

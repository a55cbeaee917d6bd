"""A version that others see has its bytes."""


def test_a_push_without_the_bytes_is_refused_unless_forced(registry):
    log = ["log", "vision/resnet50", registry.model("late", "weights"), "--no-upload", "--push"]
    said = registry.podium(*log, code=1)
    assert "its bytes would not be there" in said.err
    assert "--force" in said.err
    registry.git("fetch", "-q")
    assert "resnet50" not in registry.git("ls-tree", "-r", "--name-only", "origin/main")
    registry.podium(*log, "--force")
    registry.git("fetch", "-q")
    assert "versions/v0.dvc" in registry.git("ls-tree", "-r", "--name-only", "origin/main")

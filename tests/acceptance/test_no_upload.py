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


def test_a_dry_run_of_a_log_keeps_nothing_anywhere(registry):
    model = registry.model("tried", "weights" * 200_000)
    everything = sorted(registry.root.parent.rglob("*"))
    dry = registry.podium("log", "p/a", model, "--link", "M", "--alias", "best", "--dry-run", "--format", "json").json
    assert sorted(registry.root.parent.rglob("*")) == everything
    done = registry.podium("log", "p/a", model, "--link", "M", "--alias", "best", "--format", "json").json
    assert dry == done


def test_an_upload_sends_what_it_can_before_it_refuses_the_rest(registry):
    registry.podium("log", "p/wrong", registry.model("wrong", "weights"))
    for number in range(3):
        registry.podium("log", f"p/late{number}", registry.model(f"late{number}", f"weights {number}"), "--no-upload")
    files = registry.podium("resolve", "p/wrong", "--format", "json").json["files"]
    md5 = next(file["md5"] for file in files if file["path"] == "model.safetensors")
    damaged = registry.root.parent / "store/files/md5" / md5[:2] / md5[2:]
    damaged.chmod(0o644)
    damaged.write_text("more than it was")
    said = registry.podium("upload", "--format", "json", code=1)
    assert said.out == ""
    assert "p/wrong:v0 cannot be sent" in said.err
    assert "--repair" in said.err
    assert registry.podium("verify", code=1).out == "p/wrong:v0: model.safetensors: size\n"
    registry.podium("upload", "--repair")
    registry.podium("verify")

"""An ssh server is used only if it shows a key that known_hosts has: the connection is checked, before any login."""

import subprocess
from pathlib import Path

import pytest

from podium.errors import Unavailable
from podium.storage import Storage
from tests.servers import make_key

pytestmark = pytest.mark.xdist_group("sshd")


@pytest.fixture
def ssh_home(tmp_path, monkeypatch):
    """A home of this test's own, with an empty ~/.ssh."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "home/.ssh"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def storage(tmp_path, sshd):
    root = tmp_path / "registry"
    root.mkdir()
    sshd.remote(tmp_path.name).add(root, default=True)
    return lambda: Storage.at(root)


def other_key(sshd, tmp_path):
    make_key(sshd.folder / "other")
    return sshd.known(key="other")


def logins(sshd):
    return (sshd.folder / "log").read_text().count("Accepted publickey")


def refused(storage):
    with pytest.raises(Unavailable) as error:
        storage().problems([])
    return error.value


def test_a_server_that_known_hosts_does_not_have_is_refused_before_any_login(storage, ssh_home, sshd):
    before = logins(sshd)
    said = refused(storage)
    fingerprint = subprocess.check_output(["ssh-keygen", "-lf", f"{sshd.folder}/host.pub"], text=True).split()[1]
    assert f"known_hosts has no key of [127.0.0.1]:{sshd.port} ({fingerprint})" in said.sentence
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> ~/.ssh/known_hosts" in said.hint
    assert said.exit_code == 3
    assert logins(sshd) == before


def test_a_server_with_another_key_than_the_known_one_is_refused_with_a_warning(storage, ssh_home, sshd, tmp_path):
    (ssh_home / "known_hosts").write_text(other_key(sshd, tmp_path))
    before = logins(sshd)
    said = refused(storage)
    assert "does not show the key that known_hosts has of it" in said.sentence
    assert "another machine in its place" in said.sentence
    assert "ask who runs it" in said.hint
    assert "keyscan" not in said.hint
    assert logins(sshd) == before


def test_a_server_known_by_another_kind_of_key_only_is_refused_as_changed(storage, ssh_home, sshd, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "ecdsa")], check=True)
    kind, key = (tmp_path / "ecdsa.pub").read_text().split()[:2]
    (ssh_home / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {kind} {key}\n")
    assert "does not show the key that known_hosts has of it" in refused(storage).sentence


def hashed(ssh_home, sshd):
    (ssh_home / "known_hosts").write_text(sshd.known())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(ssh_home / "known_hosts")], check=True, capture_output=True)
    (ssh_home / "known_hosts.old").unlink()
    assert "127.0.0.1" not in (ssh_home / "known_hosts").read_text()


def without_its_port(ssh_home, sshd):
    (ssh_home / "known_hosts").write_text(sshd.known().replace(f"[127.0.0.1]:{sshd.port}", "127.0.0.1"))


def among_others(ssh_home, sshd):
    lines = [
        "# a comment",
        "nonsense",
        "@nonsense too",
        "|1|nonsense|too ssh-ed25519 AAAA",
        "other.example ssh-rsa AAAA",
    ]
    (ssh_home / "known_hosts").write_text("\n".join([*lines, sshd.known()]))


def in_a_file_that_the_configuration_names(ssh_home, sshd):
    (ssh_home / "hosts of mine").write_text(sshd.known())
    (ssh_home / "config").write_text('Host 127.0.0.*\n  UserKnownHostsFile /none "~/.ssh/hosts of mine"\n')


def under_an_alias(ssh_home, sshd):
    (ssh_home / "known_hosts").write_text(sshd.known().replace("127.0.0.1", "models"))
    (ssh_home / "config").write_text("Host 127.0.0.1\n  HostKeyAlias models\n")


KNOWN = [hashed, without_its_port, among_others, in_a_file_that_the_configuration_names, under_an_alias]


@pytest.mark.parametrize("how", KNOWN, ids=lambda how: how.__name__)
def test_a_server_is_known_however_ssh_would_know_it(storage, ssh_home, sshd, how):
    how(ssh_home, sshd)
    assert storage().problems([]) == []


def test_the_configuration_says_which_machine_a_name_means(tmp_path, ssh_home, sshd):
    (ssh_home / "known_hosts").write_text(sshd.known())
    (ssh_home / "config").write_text(f"Host models\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n")
    root = tmp_path / "registry"
    root.mkdir()
    remote = sshd.remote(tmp_path.name)
    type(remote)(f"ssh://models{sshd.store(tmp_path.name).folder}", {}, remote.secrets).add(root, default=True)
    assert Storage.at(root).problems([]) == []


@pytest.mark.parametrize("option", ["StrictHostKeyChecking no", "UserKnownHostsFile none"])
def test_nothing_in_the_configuration_turns_the_check_off(storage, ssh_home, sshd, option):
    (ssh_home / "config").write_text(f"{option}\n")
    assert "known_hosts has no key" in refused(storage).sentence


def authority(sshd, principal):
    """Let a new authority sign the server's key for a name, and give the line by which it is known."""
    signer = make_key(sshd.folder / "authority")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(signer), "-I", "test", "-h", "-n", principal, str(sshd.folder / "host.pub")],
        check=True,
    )
    kind, key = (sshd.folder / "authority.pub").read_text().split()[:2]
    return f"@cert-authority * {kind} {key}\n"


@pytest.fixture
def signed(sshd):
    """The server shows a certificate; afterwards it has none, as before."""
    config = sshd.folder / "sshd_config"
    before = config.read_text()

    def sign(principal):
        line = authority(sshd, principal)
        config.write_text(f"{before}HostCertificate {sshd.folder}/host-cert.pub\n")
        sshd.restart()
        return line

    yield sign
    config.write_text(before)
    sshd.restart()


def test_an_authority_vouches_for_the_names_it_signed_only(storage, ssh_home, signed):
    (ssh_home / "known_hosts").write_text(signed("127.0.0.1"))
    assert storage().problems([]) == []
    (ssh_home / "known_hosts").write_text(signed("other.example"))
    assert refused(storage).exit_code == 3


@pytest.mark.parametrize("pattern", ["*", "[127.0.0.1]:{}"])
def test_a_revoked_key_is_refused_though_it_is_known(storage, ssh_home, sshd, pattern):
    key = sshd.known().partition(" ")[2]
    (ssh_home / "known_hosts").write_text(f"127.0.0.1 {key}@revoked {pattern.format(sshd.port)} {key}")
    assert "marks the key" in refused(storage).sentence
    assert "revoked" in refused(storage).sentence


def test_a_configuration_that_cannot_be_understood_is_said(storage, ssh_home):
    (ssh_home / "config").write_text("Port many\n")
    assert refused(storage).exit_code == 3


def test_a_server_that_is_down_is_not_taken_for_unknown(storage, ssh_home, sshd):
    (ssh_home / "known_hosts").write_text(sshd.known())
    sshd.stop()
    try:
        said = refused(storage)
    finally:
        sshd.start()
    assert "cannot be used" in said.sentence
    assert Path(ssh_home / "known_hosts").read_text() == sshd.known()

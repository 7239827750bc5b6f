"""Which file systems are recognized as those of a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicate_ext._batch import mounts

LOCAL = ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.bindfs", "exfat"]
NETWORK = ["nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "ceph", "fuse.ceph-fuse", "fuse.glusterfs", "beegfs", "gpfs"]
NETWORK += ["fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.juicefs", "vboxsf", "fuse.vmhgfs-fuse"]


def is_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, *mounted: tuple[object, str]) -> bool:
    """Whether a folder is in a network if these file systems are mounted there, in this order."""
    listing = tmp_path / "mountinfo"
    lines = [f"{id} 1 0:{id} / {point} rw - {type} source rw" for id, (point, type) in enumerate(mounted)]
    listing.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(mounts, "_MOUNTS", listing)
    return mounts.is_network_file_system(folder)


@pytest.mark.parametrize(
    ("type", "expected"), [*((type, False) for type in LOCAL), *((type, True) for type in NETWORK)]
)
def test_types(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, type: str, expected: bool) -> None:
    assert is_network(monkeypatch, tmp_path, tmp_path, ("/", "ext4"), (tmp_path, type)) is expected
    other = "nfs4" if type in LOCAL else "ext4"
    assert is_network(monkeypatch, tmp_path, tmp_path, ("/", other), (tmp_path, type)) is expected


def test_the_latest_of_two_mounts_on_a_folder_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert is_network(monkeypatch, tmp_path, tmp_path, ("/", "ext4"), (tmp_path, "autofs"), (tmp_path, "nfs4"))
    assert not is_network(monkeypatch, tmp_path, tmp_path, (tmp_path, "nfs4"), (tmp_path, "tmpfs"))


def test_a_folder_whose_name_begins_like_a_mount_point_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not is_network(monkeypatch, tmp_path, tmp_path / "data2", ("/", "ext4"), (tmp_path / "data", "nfs4"))


def test_links_are_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "share")
    assert is_network(monkeypatch, tmp_path, tmp_path / "runs", ("/", "ext4"), (tmp_path / "share", "nfs4"))

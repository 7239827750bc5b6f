"""Whether a folder is on a network file system, where SQLite's shared memory does not work."""

from __future__ import annotations

import re
from pathlib import Path

_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p"),
    *("lustre", "beegfs", "gpfs", "ceph", "ceph-fuse", "glusterfs", "orangefs", "panfs", "wekafs", "gfs2", "ocfs2"),
    *("sshfs", "s3fs", "gcsfuse", "rclone", "juicefs", "davfs"),
    *("vboxsf", "vmhgfs-fuse", "prl_fs"),
}
"""Types of file systems that other computers see, too: in a network, in a cluster, in the cloud, outside of a virtual
machine. https://www.sqlite.org/wal.html: "WAL does not work over a network filesystem".
"""

_MOUNTS = Path("/proc/self/mountinfo")
"""Linux: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""


def is_network_file_system(folder: Path) -> bool:
    """Whether a folder is on a network file system, as far as this system shows."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    path, best = folder.resolve(), ("", "")
    for line in lines:
        fields, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4])
        if path.is_relative_to(point) and len(point) >= len(best[0]):
            best = point, after.split(" ")[0].removeprefix("fuse.")
    return best[1] in _NETWORK

# SPDX-License-Identifier: MIT
"""mbsynckit: mbsync between a server's mailboxes and a local Maildir."""

import os
import re
import subprocess


def mbsync(server, user, folder):
    """Synchronizes all mailboxes, both ways, with folder/mail."""
    version = subprocess.run(["mbsync", "--version"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    old = tuple(map(int, re.search(r"(\d+)\.(\d+)", version).groups())) \
        < (1, 5)
    conf = folder / "mbsyncrc"
    conf.write_text("""
FSync no

IMAPAccount test
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
{tls} None
AuthMechs LOGIN

IMAPStore far
Account test

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState {folder}/mail/state-
""".format(port=server.imap_port, user=user, password=server.password(user),
           tls="SSLType" if old else "TLSType", folder=folder))
    os.makedirs(str(folder / "mail"), exist_ok=True)
    done = subprocess.run(["mbsync", "-c", str(conf), "all"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, env=dict(os.environ, LD_PRELOAD="",
                                                HOME=str(folder)))
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def without_mark(message):
    """Without the line that mbsync adds to find its message again."""
    return re.sub(rb"(?m)^X-TUID: .*\r?\n", b"", message)


def maildir_files(folder):
    return [path for sub in ("cur", "new")
            for path in sorted((folder / sub).iterdir())]

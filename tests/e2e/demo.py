# SPDX-License-Identifier: MIT
"""demo: shows once what Roost does, on a Dovecot of its own.

Delivers a message by LMTP, reads it by IMAP, shows the bytes on disk, and
searches them for a word of the message. With KEEP=1 in the environment the
server goes on running, and commands to look at it are printed.
"""

import os
import shutil
import signal
import sys
import tempfile
import time

import server as servers

WORD = b"nightingale"
MESSAGE = b"""\
From: Ada <ada@example.org>\r
To: Alice <alice@roost.test>\r
Subject: The nightingale sings at nine\r
Date: Mon, 06 May 2024 09:00:00 +0000\r
Message-ID: <demo@example.org>\r
\r
Hello Alice,\r
\r
meet me where the nightingale sings. Tell nobody.\r
\r
Ada\r
"""


def say(title):
    print("\n== %s\n" % title)


def hexdump(content, lines=8):
    for start in range(0, min(len(content), lines * 16), 16):
        row = content[start:start + 16]
        print("%08x  %-47s  %s" % (
            start, row.hex(" "),
            "".join(chr(b) if 32 <= b < 127 else "." for b in row)))


def show(server):
    say("A message is delivered by LMTP (Dovecot %d.%d.%d, %s)"
        % (*servers.VERSION, server.storage))
    print(MESSAGE.decode().replace("\r\n", "\n"))
    code, text = server.deliver(MESSAGE, "alice")[0]
    print("LMTP answers: %d %s" % (code, text.decode()))
    if code != 250:
        sys.exit("demo: delivery failed:\n" + server.log_since(0))

    say("Alice reads it by IMAP")
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        got = client.fetch(1, "BODY.PEEK[]")
    print(got.decode().replace("\r\n", "\n"))
    if MESSAGE not in got:
        sys.exit("demo: the message came back changed")

    path, offset, content = server.objects("alice")[0]
    say("On disk: %s, %d bytes" % (os.path.relpath(path, server.root),
                                   len(content)))
    hexdump(content)
    hits = server.find_on_disk(WORD)
    print('\nThe word "%s" is %s in the mail files.'
          % (WORD.decode(), "FOUND" if hits else "not"))
    if hits or not content.startswith(servers.MAGIC):
        sys.exit("demo: the message is not sealed")


def commands(server):
    """Returns lines for another terminal. The modules that were built are
    mounted where Dovecot looks for them in a namespace that only the demo's
    processes see, so that each line goes there first."""
    user = "" if servers.ROOT else " -U --preserve-credentials"
    within = "nsenter -t %d%s -m -r -w doveadm -c %s " % (os.getpid(), user,
                                                      server.conf)
    path = server.objects("alice")[0][0]
    return [within + line for line in (
        "fetch -u alice text all", "roost status -u alice",
        "roost verify -u alice", "roost slot list -u alice")] + [
            "head -c 128 '%s' | od -c" % path] + ([
                "curl -s -u alice:%s 'imap://127.0.0.1:%d/INBOX;MAILINDEX=1'"
                % (server.password("alice"), server.imap_port)]
                if shutil.which("curl") else [])


def main():
    if servers.PLAIN:
        sys.exit("demo: nothing to show with ROOST_E2E_PLAIN=1")
    keep = os.environ.get("KEEP") == "1"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    root = tempfile.mkdtemp(prefix="demo", dir=os.environ["ROOST_E2E_TMP"])
    server = servers.Server(root, os.environ.get("STORAGE", "maildir"),
                            users=("alice", "bob"))
    server.start()
    done = False
    try:
        show(server)
        done = True
    finally:
        if not (keep and done):
            server.stop()
    if not keep:
        say("Dovecot was stopped, its folder is removed")
        return
    say("Dovecot keeps running")
    print("IMAP at 127.0.0.1 port %d, POP3 at port %d, users alice and bob"
          % (server.imap_port, server.pop3_port))
    for user in ("alice", "bob"):
        print("password of %s: %s" % (user, server.password(user)))
    print("configuration, log and mail: %s" % root)
    print("in another terminal, as the same user:\n\n    %s\n"
          % "\n    ".join(commands(server)))
    print("stop it with Ctrl-C here, or: kill %d" % os.getpid())
    sys.stdout.flush()
    try:
        while server.process.poll() is None:
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    server.stop()


main()

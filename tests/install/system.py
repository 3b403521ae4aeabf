# SPDX-License-Identifier: MIT
"""The system in whose root the tests of this folder run: commands, packages,
Dovecot and Postfix as Debian has them, users, and mail on disk."""

import glob
import imaplib
import os
import poplib
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time

DEBS = "/root/deb"
CONF = "/etc/dovecot/conf.d"
ROOST_CONF = CONF + "/11-roost.conf"
KEY = "/etc/dovecot/private/roost-provider.key"
DATA = "/usr/share/dovecot/roost"
POLICY = "/usr/sbin/policy-rc.d"
LOG = "/var/log/dovecot-test.log"
PIDFILE = "/run/dovecot/master.pid"
WAIT_SECONDS = 60
# A server that says nothing is a failure, and no test that hangs.
socket.setdefaulttimeout(WAIT_SECONDS)
# What no file may hold while mail is sealed.
CANARY = b"kingfisher"

NEW = not subprocess.run(["dovecot", "--version"], stdout=subprocess.PIPE,
                         check=True).stdout.startswith(b"2.3.")
# The one line that the documents ask for, and the restart.
ENABLE = "sed -i 's/^#\\(!include.*\\/enable.conf\\)/\\1/' %s && " \
    "service dovecot restart" % ROOST_CONF


def run(command, check=True, **options):
    """Runs a shell command or a list of arguments; returns the finished process
    with its output as text. A server that it starts may keep the output open,
    so that is a file."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(command, shell=isinstance(command, str),
                              stdout=output, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL,
                              timeout=10 * WAIT_SECONDS, **options)
        output.seek(0)
        done.stdout = output.read()
    assert not check or done.returncode == 0, "%s: %d\n%s" % (
        command, done.returncode, done.stdout)
    return done


def as_user(name, command, **options):
    """The same, as a user who has an account here."""
    return run(["runuser", "-u", name, "--"] + command, check=False, **options)


def wait_until(condition, what):
    """Waits until a condition holds and returns what it came to."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError("%s: not within %d s" % (what, WAIT_SECONDS))


# -- packages --

def deb(name, version=None):
    """Returns the path of a package that was built, or of one that repack()
    has made of it."""
    found = glob.glob("%s/%s_%s_*.deb" % (DEBS, name, version or "*abiv*"))
    assert len(found) == 1, found
    return found[0]


def install(*paths, check=True, options=(), environment=None):
    """What an admin does: apt-get install ./FILE."""
    return run(["apt-get", "install", "-q", "-y", "--no-install-recommends",
                *options, *paths], check, env=dict(
                    os.environ, DEBIAN_FRONTEND="noninteractive",
                    **(environment or {})))


def repack(name, version, change=lambda folder: None):
    """Makes a package of another version of one that was built; change may
    alter its files. Returns its path."""
    folder = os.path.join(DEBS, "repack")
    shutil.rmtree(folder, ignore_errors=True)
    run(["dpkg-deb", "-R", deb(name), folder])
    control = os.path.join(folder, "DEBIAN", "control")
    with open(control) as file:
        text = re.sub(r"(?m)^Version: .*", "Version: " + version, file.read())
    with open(control, "w") as file:
        file.write(text)
    change(folder)
    path = "%s/%s_%s_%s.deb" % (DEBS, name, version, run(
        ["dpkg", "--print-architecture"]).stdout.strip())
    run(["dpkg-deb", "--root-owner-group", "-b", folder, path])
    shutil.rmtree(folder)
    return path


def services(allowed):
    """Whether packages start and restart services, as they do on a system that
    has an init; without one they ask this program."""
    with open(POLICY, "w") as file:
        file.write("#!/bin/sh\nexit %d\n" % (0 if allowed else 101))
    os.chmod(POLICY, 0o755)


# -- Dovecot --

def site(text):
    """The settings of this site, behind Debian's own files."""
    with open("/etc/dovecot/local.conf", "w") as file:
        file.write("log_path = %s\n%s" % (LOG, text))


def master_pid():
    """Returns the process id of Dovecot's master, or None."""
    try:
        with open(PIDFILE) as file:
            pid = int(file.read())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def restart():
    run("service dovecot restart")
    wait_until(master_pid, "Dovecot starts")


def log_text():
    with open(LOG, errors="replace") as file:
        return file.read()


def log_has(word):
    """True if a line of the log has a word, in either case."""
    return word in log_text().lower()


def doveadm(*arguments, check=True):
    return run(["doveadm", *arguments], check)


def key():
    """Returns the contents of the provider key."""
    with open(KEY) as file:
        return file.read()


# -- users and their mail --

def make_user(name):
    """A user of the system; the password is the name."""
    if name not in [entry.pw_name for entry in pwd.getpwall()]:
        run(["useradd", "-m", "-s", "/bin/sh", name])
        subprocess.run(["chpasswd"], input="%s:%s\n" % (name, name),
                       text=True, check=True)


def message(name, words=""):
    """A message with the canary in a header and in its body."""
    return (b"From: sender@mail.test\r\nTo: %s@mail.test\r\n"
            b"Subject: %s %s\r\nMessage-ID: <%s@mail.test>\r\n\r\n"
            b"The %s was seen: %s.\r\n" % (
                b"user", CANARY, name.encode(), name.encode(), CANARY,
                words.encode()))


IMAP_ERRORS = (imaplib.IMAP4.error, OSError)


def imap(user):
    client = imaplib.IMAP4("127.0.0.1")
    client.login(user, user)
    return client


def subjects(user, mailbox="INBOX"):
    """Returns the words behind the canary of each subject in a mailbox, as
    IMAP tells them."""
    client = imap(user)
    try:
        status, count = client.select(mailbox, readonly=True)
        if status != "OK" or count == [b"0"]:
            return []
        _, data = client.fetch("1:*", "(BODY.PEEK[])")
        found = []
        for part in data:
            if isinstance(part, tuple):
                assert CANARY in part[1].split(b"\r\n\r\n", 1)[1], part
                found += re.findall(rb"Subject: %s (\S+)" % CANARY, part[1])
        return sorted(name.decode() for name in found)
    finally:
        client.logout()


def pop3_subjects(user):
    client = poplib.POP3("127.0.0.1")
    client.user(user)
    client.pass_(user)
    found = []
    for number in range(1, len(client.list()[1]) + 1):
        for line in client.retr(number)[1]:
            found += re.findall(rb"^Subject: %s (\S+)" % CANARY, line)
    client.quit()
    return sorted(name.decode() for name in found)


def send(user, name, words=""):
    """By SMTP to Postfix, as from another host."""
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.sendmail("sender@mail.test", [user + "@mail.test"],
                        message(name, words))


def mail_root(user):
    return os.path.join(pwd.getpwnam(user).pw_dir, "Maildir")


def in_clear(*roots):
    """Returns the files under these folders that hold the canary."""
    found = []
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        if CANARY in file.read():
                            found.append(path)
    return found


def texts(root):
    """Returns the contents of the messages of the maildirs in a folder."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            if os.path.basename(folder) in ("cur", "new"):
                with open(os.path.join(folder, name), "rb") as file:
                    found.append(file.read())
    return found


# -- Postfix --

BY_LMTP = {"mailbox_transport": "lmtp:unix:private/dovecot-lmtp"}


def postfix(settings):
    """Postfix with these settings, started anew."""
    basic = {"myhostname": "mail.test", "mydestination": "mail.test",
             "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
             "maillog_file": "/var/log/postfix.log", "alias_maps": "",
             "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
             "queue_run_delay": "1s", "mailbox_transport": "",
             "mailbox_command": "", "compatibility_level": "3.6"}
    basic.update(settings)
    run(["postconf", "-e"] + ["%s=%s" % item for item in basic.items()])
    run("postfix stop", check=False)
    run("postfix start")


def queue():
    """Returns what postqueue says of each message that waits."""
    return run(["postqueue", "-p"]).stdout


def queue_is_empty():
    return "queue is empty" in queue()


# -- this site --

MAILDIR = """
mail_driver = maildir
mail_path = ~/Maildir
mail_inbox_path =
""" if NEW else """
mail_location = maildir:~/Maildir
auth_username_format = %Ln
"""
LISTENERS = """
protocols = imap pop3 lmtp
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
"""
SITE = MAILDIR + LISTENERS
SIEVE_23 = "  mail_plugins = $mail_plugins sieve\n"
SIEVE_24 = "  mail_plugins {\n    sieve = yes\n  }\n"


def use_sieve():
    """What Debian's documents ask for: the plugin, in the blocks of its own
    files for LMTP and for dovecot-lda."""
    for name in ("15-lda.conf", "20-lmtp.conf"):
        path = os.path.join(CONF, name)
        with open(path) as file:
            text = file.read()
        lines = SIEVE_24 if NEW else SIEVE_23
        if lines not in text:
            text = re.sub(r"(?m)^(protocol \w+ \{\n)", r"\1" + lines, text)
        with open(path, "w") as file:
            file.write(text)


def start(*users):
    """Dovecot and Postfix, as a site has them that keeps mail in maildirs and
    sorts it with Sieve; these users have accounts and no mail."""
    for name in users:
        run(["userdel", "-r", name], check=False)
        make_user(name)
    site(SITE)
    use_sieve()
    with open(LOG, "w"):
        os.chmod(LOG, 0o666)
    services(True)
    # Its folders are there once it was started.
    postfix(BY_LMTP)
    restart()


def stop():
    run("postfix stop", check=False)
    run("service dovecot stop", check=False)

# SPDX-License-Identifier: MIT
"""The image of packaging/container, built and run by buildah without a
container engine: chroot isolation, from a Debian root made by mmdebstrap.  Run
by tests/container/run, which has built it, in a network of its own."""

import imaplib
import os
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

import pytest

WAIT_SECONDS = 60
socket.setdefaulttimeout(WAIT_SECONDS)
CANARY = b"kingfisher"
IMAGE = "localhost/dovecot-roost"
ENGINE = os.environ.get("CONTAINER_ENGINE", "").split()
KEY = "/run/secrets/roost_provider_key"


def run(*command, check=True, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          **options)
    assert not check or done.returncode == 0, "%s\n%s" % (command, done.stdout)
    return done


def engine(*arguments, check=True):
    """buildah with the storage in which the image is."""
    return run(*ENGINE, *arguments, check=check)


class Container:
    """A container of the image with mail and accounts on volumes."""

    def __init__(self, mail, users, key=None):
        self.name = engine("from", IMAGE).stdout.split()[-1]
        # buildah would put empty ones over those that are given.
        for volume in ("mail", "users", "conf"):
            engine("config", "--volume", "/srv/%s-" % volume, self.name)
        self.options = ["run", "--isolation", "chroot",
                        "--volume", mail + ":/srv/mail",
                        "--volume", users + ":/srv/users"]
        self.key = key
        self.process = None
        self.run = tempfile.mkdtemp()
        run("mount", "-t", "tmpfs", "-o", "mode=755", "run", self.run)

    def command(self, *words):
        """The command, with a tmpfs as /run and the secret in it, which is what
        an engine does before it starts one."""
        script = "mkdir -p /run/secrets"
        options = [*self.options, "--volume", self.run + ":/run"]
        if self.key:
            options += ["--volume", self.key + ":/root/key:ro"]
            script += " && install -m 0600 /root/key " + KEY
        return [*ENGINE, *options, self.name, "--",
                "sh", "-c", script + ' && exec "$@"', "sh", *words]

    def start(self):
        self.process = subprocess.Popen(
            self.command("/usr/local/sbin/start"), stdin=subprocess.DEVNULL)
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            try:
                imaplib.IMAP4("127.0.0.1").logout()
                return self
            except OSError:
                assert self.process.poll() is None, "it has ended"
                time.sleep(0.1)
        raise AssertionError("no IMAP within %d s" % WAIT_SECONDS)

    def stop(self):
        """Ends what runs in it: this test is alone in its list of processes."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % pid) as file:
                    if file.read().strip() == "dovecot":
                        os.kill(int(pid), signal.SIGTERM)
            except OSError:
                pass
        self.process.wait(WAIT_SECONDS)
        self.remove()

    def remove(self):
        engine("rm", self.name)
        run("umount", self.run)
        os.rmdir(self.run)


@pytest.fixture(scope="module", autouse=True)
def require_the_image():
    assert ENGINE, "run these tests by tests/container/run"


@pytest.fixture(scope="module", name="volumes")
def make_volumes(tmp_path_factory):
    mail = str(tmp_path_factory.mktemp("mail"))
    users = str(tmp_path_factory.mktemp("users"))
    for folder in (mail, users):
        os.chmod(folder, 0o755)
    with open(users + "/passwd", "w") as file:
        file.write("alice:{PLAIN}alice\n")
    key = str(tmp_path_factory.mktemp("key")) + "/key"
    run("sh", "-c", "(umask 077; set -C; openssl rand -hex 32 > %s)" % key)
    return mail, users, key


def test_without_a_key_it_says_what_to_do(volumes):
    container = Container(*volumes[:2])
    done = run(*container.command("/usr/local/sbin/start"), check=False)
    assert done.returncode != 0
    assert "there is no provider key in " + KEY in done.stdout
    container.remove()


def test_the_image_holds_no_key():
    name = engine("from", IMAGE).stdout.split()[-1]
    path = engine("mount", name).stdout.strip()
    try:
        assert os.path.exists(path + "/etc/dovecot/conf.d/11-roost.conf")
        assert not os.path.exists(
            path + "/etc/dovecot/private/roost-provider.key")
    finally:
        engine("umount", name)
        engine("rm", name)


def deliver(number):
    with smtplib.LMTP("127.0.0.1", 24) as client:
        client.sendmail("sender@mail.test", ["alice"],
                        b"Subject: %s %d\r\n\r\nThe %s.\r\n" % (
                            CANARY, number, CANARY))


def count():
    client = imaplib.IMAP4("127.0.0.1")
    client.login("alice", "alice")
    client.select("INBOX", readonly=True)
    status, data = client.search(None, "SUBJECT", CANARY.decode())
    assert status == "OK"
    client.logout()
    return len(data[0].split())


def test_it_seals_and_the_volume_keeps_mail(volumes):
    for number in (1, 2):
        # Another container of the image each time, with the same volumes.
        container = Container(*volumes).start()
        try:
            deliver(number)
            assert count() == number
        finally:
            container.stop()
    seen = 0
    for folder, _, names in os.walk(volumes[0]):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert CANARY not in file.read(), name
            seen += 1
    assert seen >= 2

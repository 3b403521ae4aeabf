# SPDX-License-Identifier: MIT
"""A life of the package on a stock Debian: installed, enabled, used, upgraded,
removed and purged.  The tests are steps of one story, in this order."""

import os
import re
import stat

import pytest

import system
from system import doveadm, imap, run, wait_until

# Each is asked for before and after, and says the same.
STOCK = ("doveconf -n", "doveadm pw -s SHA256 -p secret", "doveadm user alice",
         "doveadm mailbox list -u alice", "dovecot --version",
         "doveadm help pw", "doveadm -f flow mailbox status -u alice messages "
         "INBOX")
AS_USER = (["doveconf", "-n"], ["doveadm", "pw", "-s", "SHA256", "-p", "x"],
           ["/usr/lib/dovecot/dovecot-lda", "-h"])
LDA = "/usr/lib/dovecot/dovecot-lda"


def said_of_stock():
    said = [run(command, check=False).stdout for command in STOCK]
    for command in AS_USER:
        done = system.as_user("alice", command)
        said.append((done.returncode, done.stdout))
    return said


def lda(user, name):
    """A delivery by the user's own dovecot-lda; returns its exit status."""
    return system.as_user(user, ["sh", "-c", "printf '%%s' \"$1\" | %s" % LDA,
                                 "lda", system.message(name).decode()])


@pytest.fixture(scope="module", autouse=True)
def stock():
    """Debian's Dovecot with two users, and mail in maildirs."""
    system.start("alice", "bob")
    yield
    system.stop()


def test_a_stock_system_works():
    system.send("alice", "stock")
    wait_until(lambda: system.subjects("alice") == ["stock"], "delivered")
    assert lda("alice", "stock-lda").returncode == 0
    assert system.subjects("alice") == ["stock", "stock-lda"]
    assert len(system.in_clear(system.mail_root("alice"))) >= 2


def test_installed_and_not_enabled_nothing_changes():
    before = said_of_stock()
    master = system.master_pid()
    system.install(system.deb("dovecot-roost"), system.deb("roost"))
    wait_until(lambda: system.master_pid() not in (None, master),
               "the package has Dovecot restarted")
    assert said_of_stock() == before
    assert lda("alice", "installed").returncode == 0
    assert "installed" in system.subjects("alice")
    assert not os.path.exists("/home/alice/roost.keyring")
    assert not system.log_has("roost")


def test_the_key_is_root_s_and_whole():
    info = os.lstat(system.KEY)
    assert stat.S_IMODE(info.st_mode) == 0o600 and info.st_uid == 0
    assert info.st_nlink == 1
    assert re.fullmatch("[0-9a-f]{64}\n", system.key())
    assert os.listdir(os.path.dirname(system.KEY)).count(
        os.path.basename(system.KEY)) == 1
    assert [name for name in os.listdir(os.path.dirname(system.KEY))
            if "roost" in name] == ["roost-provider.key"]


def test_the_folders_are_there():
    for name, mode in (("spool", 0o1777), ("unlock", 0o1770)):
        info = os.stat("/run/dovecot-roost/" + name)
        assert stat.S_IMODE(info.st_mode) == mode, name


def test_one_line_seals():
    run(system.ENABLE)
    wait_until(system.master_pid, "Dovecot starts")
    system.send("bob", "lmtp")
    wait_until(lambda: system.subjects("bob") == ["lmtp"], "delivered")
    client = imap("bob")
    client.append("INBOX", None, None, system.message("append"))
    client.logout()
    assert system.subjects("bob") == ["append", "lmtp"]
    assert system.pop3_subjects("bob") == ["append", "lmtp"]
    assert doveadm("roost", "status", "-u", "bob").returncode == 0
    assert system.in_clear("/home/bob", "/var/spool/postfix",
                           "/run/dovecot-roost", "/var/mail") == []


def test_the_package_says_where_roost_is_not_loaded():
    late = system.CONF + "/95-late.conf"
    with open(late, "w") as file:
        file.write("protocol lmtp {\n  mail_plugins %s\n}\n" % (
            "{\n    roost = no\n  }" if system.NEW else "= sieve"))
    try:
        done = system.install(system.deb("dovecot-roost"),
                              options=["--reinstall"])
    finally:
        os.unlink(late)
        # The package has had Dovecot restarted with that file.
        system.restart()
    assert "--expect loaded` has found" in done.stdout
    assert "lmtp" in done.stdout.split("has found")[1]
    again = system.install(system.deb("dovecot-roost"),
                           options=["--reinstall"])
    assert "has found" not in again.stdout
    wait_until(system.master_pid, "Dovecot starts")


def test_sieve_sorts_what_is_sealed():
    with open("/home/bob/.dovecot.sieve", "w") as file:
        file.write('require ["fileinto", "mailbox"];\n'
                   'if header :contains "Subject" "sorted" {\n'
                   '  fileinto :create "Sorted"; }\n')
    run("chown bob: /home/bob/.dovecot.sieve")
    system.send("bob", "sorted")
    wait_until(lambda: system.subjects("bob", "Sorted") == ["sorted"],
               "sorted by Sieve")
    assert system.in_clear("/home/bob") == []


def test_lda_of_a_user_saves_nothing_in_clear():
    """The key is not a user's to read: mail waits in Postfix' queue, and comes
    when LMTP takes it."""
    system.postfix({"mailbox_command": LDA})
    system.send("bob", "waits")
    wait_until(lambda: "temporary failure" in system.queue().lower(),
               "the message waits")
    assert system.in_clear("/home/bob", "/var/mail") == []
    assert lda("bob", "refused").returncode == 75
    assert system.in_clear("/home/bob", "/var/mail") == []
    system.postfix(system.BY_LMTP)
    run("postqueue -f")
    wait_until(lambda: "waits" in system.subjects("bob"), "delivered")
    wait_until(system.queue_is_empty, "the queue is empty")
    assert system.in_clear("/home/bob") == []


def test_lda_of_the_mail_system_seals():
    """Run as root for a user, as transports of virtual users do."""
    done = run(["sh", "-c", "printf '%%s' \"$1\" | %s -d bob" % LDA, "lda",
                system.message("lda").decode()])
    assert done.stdout == ""
    assert "lda" in system.subjects("bob")
    assert system.in_clear("/home/bob") == []


def other_build(folder):
    """Changes the sum of the sources in the modules to another one, which
    modules of another build have."""
    modules = os.path.join(folder, "usr/lib/dovecot/modules")
    with open(os.path.join(modules, "lib13_roost_plugin.so"), "rb") as file:
        sums = set(re.findall(rb"roost build (\d+-\d+)\0", file.read()))
    assert len(sums) == 1, sums
    old = sums.pop()
    new = bytes(old.translate(bytes.maketrans(b"0123456789", b"1234567890")))
    for place, _, names in os.walk(modules):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                content = file.read()
            with open(path, "wb") as file:
                file.write(content.replace(old, new))


def test_an_upgrade_with_a_session_open():
    older = system.repack("dovecot-roost", "0.9.9+test", other_build)
    system.install(older, options=["--allow-downgrades"])
    wait_until(system.master_pid, "Dovecot starts")
    client = imap("bob")
    client.select("INBOX")
    key = system.key()
    system.services(False)
    try:
        system.install(system.deb("dovecot-roost"))
    finally:
        system.services(True)
    status, data = client.fetch("1:*", "(BODY.PEEK[])")
    assert status == "OK"
    assert sum(isinstance(part, tuple) and system.CANARY in part[1]
               for part in data) == len(system.subjects("bob"))
    client.append("INBOX", None, None, system.message("meanwhile"))
    client.logout()
    system.restart()
    assert "meanwhile" in system.subjects("bob")
    assert system.key() == key
    assert system.in_clear("/home/bob") == []


def later_format(folder):
    for path, old, new in (
            (system.DATA.lstrip("/") + "/format", "1\n", "2\n"),
            ("DEBIAN/preinst", "refuse_later 1\n", "refuse_later 2\n")):
        path = os.path.join(folder, path)
        with open(path) as file:
            text = file.read()
        assert old in text
        with open(path, "w") as file:
            file.write(text.replace(old, new))


def test_a_downgrade_that_could_not_read_the_mail_is_refused():
    later = system.repack("dovecot-roost", "3.0.0+test", later_format)
    system.install(later)
    done = system.install(system.deb("dovecot-roost"), check=False,
                          options=["--allow-downgrades"])
    assert done.returncode != 0
    assert "in a format\nthat this earlier version does not read" in done.stdout
    version = run("dpkg-query -W -f '${Version} ${Status}' dovecot-roost")
    assert version.stdout == "3.0.0+test install ok installed"
    wait_until(system.master_pid, "Dovecot starts")
    assert "lda" in system.subjects("bob")
    # The way that the message names.
    run("dpkg -r dovecot-roost")
    system.install(system.deb("dovecot-roost"))
    system.restart()
    assert "lda" in system.subjects("bob")


def test_a_new_configuration_file_keeps_sealing_on():
    """Whoever answers ucf's question, an upgrade does not end sealing."""
    def change(folder):
        path = folder + "/usr/share/dovecot/conf.d/11-roost.conf"
        with open(path, "a") as file:
            file.write("# A later version says more here.\n")

    later = system.repack("dovecot-roost", "1.9.0+test", change)
    system.install(later, environment={"UCF_FORCE_CONFFNEW": "YES"})
    with open(system.ROOST_CONF) as file:
        text = file.read()
    assert "says more here" in text and "\n!include " in text
    system.restart()
    system.send("bob", "upgraded")
    wait_until(lambda: "upgraded" in system.subjects("bob"), "delivered")
    assert system.in_clear("/home/bob") == []
    system.install(system.deb("dovecot-roost"),
                   options=["--allow-downgrades"])
    wait_until(system.master_pid, "Dovecot starts")


def test_a_full_disk_leaves_no_empty_barrier():
    """An included file that says nothing would end sealing."""
    run("mount -t tmpfs -o size=4k,nr_inodes=4 full " + system.DATA)
    try:
        run("head -c 4096 /dev/zero > %s/full" % system.DATA)
        with open("/var/lib/dpkg/info/dovecot-roost.postrm") as file:
            script = file.read()
        run(["sh", "-c", script, "postrm", "remove"], check=False)
        assert os.listdir(system.DATA) == ["full"]
    finally:
        run("umount " + system.DATA)


def test_removed_with_the_line_kept_nothing_is_saved_in_clear():
    done = run("apt-get remove -q -y dovecot-roost")
    assert "Install dovecot-roost" in done.stdout
    wait_until(system.master_pid, "Dovecot starts")
    system.send("bob", "removed")
    wait_until(lambda: "(" in system.queue(), "the message waits")
    with pytest.raises(system.IMAP_ERRORS):
        system.subjects("bob")
    assert "roost" in system.log_text()
    assert system.in_clear("/home/bob", "/var/mail") == []
    assert os.path.exists(system.KEY)


def test_installed_again_all_is_there():
    system.install(system.deb("dovecot-roost"))
    system.restart()
    run("postqueue -f")
    wait_until(lambda: "removed" in system.subjects("bob"), "delivered")
    assert system.in_clear("/home/bob") == []


def test_removed_with_the_line_gone():
    """Dovecot goes on without Roost; sealed mail is read by the program."""
    run("sed -i 's/^!include/#!include/' " + system.ROOST_CONF)
    run("apt-get remove -q -y dovecot-roost")
    wait_until(system.master_pid, "Dovecot starts")
    system.send("alice", "leaving")
    wait_until(lambda: "leaving" in system.subjects("alice"), "delivered")
    sealed = run(["roost", "verify", system.mail_root("bob"),
                  "--provider-key", system.KEY])
    assert sealed.returncode == 0
    run(["roost", "extract", "/home/bob", "--to", "maildir", "/root/out",
         "--provider-key", system.KEY])
    names = [re.search(rb"Subject: %s (\S+)" % system.CANARY, text).group(1)
             for text in system.texts("/root/out")]
    assert {b"lmtp", b"append", b"sorted", b"waits", b"lda", b"meanwhile",
            b"removed", b"upgraded"} == set(names)


def test_purged_the_key_stays_and_is_named():
    done = run("apt-get purge -q -y dovecot-roost")
    assert "the provider key stays in " + system.KEY in done.stdout
    assert os.path.exists(system.KEY)
    assert not os.path.exists(system.ROOST_CONF)
    assert not os.path.exists(system.DATA)
    left = [name for name in os.listdir(system.CONF) if "roost" in name]
    assert left == []


def test_installed_anew_the_old_key_is_taken():
    key = system.key()
    system.install(system.deb("dovecot-roost"))
    assert system.key() == key
    run(system.ENABLE)
    assert "lmtp" in system.subjects("bob")

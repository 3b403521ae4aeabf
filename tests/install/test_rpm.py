# SPDX-License-Identifier: MIT
"""The RPM packages, as far as a Debian can try them: what they hold and ask for,
and a life on this system's Dovecot, put there by rpm itself."""

import glob
import os
import re

import pytest

import system
from system import imap, run, wait_until

# Debian's rpm asks for this option in some releases, and others lack it.
RPM = ("rpm", "--force-debian")
if run([*RPM, "--version"], check=False).returncode != 0:
    RPM = ("rpm",)


def package(name):
    found = glob.glob("%s/%s-[0-9]*.rpm" % (system.DEBS, name))
    assert len(found) == 1, found
    return found[0]


def query(name, *options):
    return run(["rpm", "-qp", *options, package(name)]).stdout


@pytest.fixture(scope="module", autouse=True)
def stock():
    """Debian's Dovecot without a package of Roost."""
    run("apt-get purge -q -y dovecot-roost roost", check=False)
    if not os.path.exists(system.KEY):
        run("umask 077; openssl rand -hex 32 > " + system.KEY)
    system.start("alice", "bob")
    yield
    run([*RPM, "-e", "--nodeps", "dovecot-roost", "roost"], check=False)
    system.stop()


def in_debs():
    """Returns the files of Debian's packages, but for what each system has in
    a place of its own."""
    files = set()
    for name in ("dovecot-roost", "roost"):
        listed = run("dpkg-deb --fsys-tarfile %s | tar t" % system.deb(name))
        files |= {re.sub(r"\.gz$", "", line[1:])
                  for line in listed.stdout.splitlines()
                  if not line.endswith("/")}
    return {name for name in files
            if not re.search("/(changelog|copyright|NEWS)", name)}


def test_it_holds_what_debian_s_packages_hold():
    files = set()
    for name in ("dovecot-roost", "roost"):
        files |= set(query(name, "-l").split("\n"))
    files = {re.sub(r"\.gz$", "", name) for name in files
             if name and not os.path.isdir(name) and
             "/licenses/" not in name and "/.build-id" not in name}
    files = {name for name in files
             if not any(other.startswith(name + "/") for other in files)}
    conf = "/usr/share/dovecot/conf.d/11-roost.conf"
    assert files == in_debs() - {conf} | {system.ROOST_CONF}
    assert not [name for name in files if name.endswith(".la")]


def test_it_asks_for_the_dovecot_that_it_was_built_for():
    version = run(["dovecot", "--version"]).stdout.split()[0]
    assert "dovecot = 1:%s\n" % version in query("dovecot-roost", "--requires")
    assert "dovecot" not in query("roost", "--requires")


def test_the_configuration_is_the_admin_s():
    flags = query("dovecot-roost", "--qf",
                  "[%{FILENAMES} %{FILEFLAGS:fflags}\n]")
    assert re.search(r"(?m)^%s cn$" % system.ROOST_CONF, flags), flags


def test_the_scripts_restart_at_the_end_of_the_transaction():
    scripts = dict(re.findall(r"(?ms)^(\w+) scriptlet.*?:\n(.*?)(?=^\w+ scriptl|\Z)",
                              query("dovecot-roost", "--scripts")))
    assert set(scripts) == {"preinstall", "postinstall", "postuninstall",
                            "posttrans"}
    restarts = {name for name, text in scripts.items()
                if "systemctl try-restart dovecot.service" in text}
    assert restarts == {"posttrans", "postuninstall"}


def test_put_there_by_rpm_it_seals():
    key = system.key()
    run([*RPM, "-i", "--nodeps", package("dovecot-roost"), package("roost")])
    assert system.key() == key
    with open(system.ROOST_CONF) as file:
        assert not re.search(r"(?m)^[^#\n]", file.read())
    run(system.ENABLE)
    system.send("alice", "rpm")
    wait_until(lambda: system.subjects("alice") == ["rpm"], "delivered")
    assert system.in_clear("/home/alice") == []


def test_a_changed_configuration_stays():
    run([*RPM, "-U", "--nodeps", "--force", package("dovecot-roost")])
    with open(system.ROOST_CONF) as file:
        assert "\n!include " in file.read()


def test_without_a_key_one_is_made_and_named():
    os.rename(system.KEY, system.KEY + ".away")
    try:
        done = run([*RPM, "-U", "--nodeps", "--force",
                    package("dovecot-roost")])
        assert "made the provider key " + system.KEY in done.stdout
        assert os.stat(system.KEY).st_mode & 0o777 == 0o600
    finally:
        os.rename(system.KEY + ".away", system.KEY)


def test_an_earlier_format_is_refused():
    with open(system.DATA + "/format", "w") as file:
        file.write("2\n")
    done = run([*RPM, "-U", "--nodeps", "--force", package("dovecot-roost")],
               check=False)
    assert done.returncode != 0
    assert "in a format\nthat this earlier version does not read" in done.stdout
    with open(system.DATA + "/format", "w") as file:
        file.write("1\n")


def test_a_key_that_cannot_be_made_is_no_key():
    os.rename(system.KEY, system.KEY + ".away")
    openssl = "/usr/bin/openssl"
    os.rename(openssl, openssl + ".away")
    with open(openssl, "w") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(openssl, 0o755)
    try:
        done = run([*RPM, "-U", "--nodeps", "--force",
                    package("dovecot-roost")], check=False)
        assert "could not be made" in done.stdout
        assert [name for name in os.listdir(os.path.dirname(system.KEY))
                if "roost" in name] == ["roost-provider.key.away"]
    finally:
        os.rename(openssl + ".away", openssl)
        os.rename(system.KEY + ".away", system.KEY)


def test_erased_with_the_line_in_force_nothing_is_saved_in_clear():
    """rpm renames the file; it is put back, and Dovecot runs."""
    done = run([*RPM, "-e", "--nodeps", "dovecot-roost"])
    assert "the provider key stays in " + system.KEY in done.stdout
    assert "neither\nreads nor takes mail now" in done.stdout
    assert os.path.exists(system.KEY)
    system.restart()
    system.send("alice", "barred")
    wait_until(lambda: "(" in system.queue(), "the message waits")
    with pytest.raises(system.IMAP_ERRORS):
        imap("alice").select("INBOX")
    assert system.in_clear("/home/alice") == []

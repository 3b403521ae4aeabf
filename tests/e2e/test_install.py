# SPDX-License-Identifier: MIT
"""make install: what it needs is named at once, and nothing is put where nobody
said that it is to be."""

import os
import re
import shutil
import subprocess

import pytest

import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="nothing is built")


def make(tmp_path, *args, check=None):
    """Runs make with a folder of its own for what it builds."""
    done = subprocess.run(
        ["make", "-s", "-C", servers.TOP, "BUILD=%s" % (tmp_path / "build"),
         "DESTDIR=%s" % (tmp_path / "root"), *args],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
        env={name: value for name, value in os.environ.items()
             if name not in ("BUILD", "MAKEFLAGS", "MAKELEVEL")})
    return done.returncode, done.stdout.decode()


def compiler(tmp_path, *unknown):
    """A compiler that does not find these headers."""
    path = tmp_path / "cc"
    path.write_text("#!/bin/sh\ncase \"$*\" in\n*'-E -x c'*) input=$(cat)\n"
                    "  case $input in\n" + "".join(
                        "  *'<%s>'*) exit 1 ;;\n" % name
                        for name in unknown) + "  esac\n  exit 0 ;;\nesac\n"
                    "exec cc \"$@\"\n")
    path.chmod(0o755)
    return "CC=%s" % path


@pytest.mark.parametrize("goal", ["all", "install"])
def test_what_is_missing_is_named_at_once(tmp_path, goal):
    code, said = make(
        tmp_path, goal, "DOVECOT_CONFIG=",
        compiler(tmp_path, "sodium.h", "openssl/evp.h"))
    assert code == 2 and "not there: dovecot-dev libsodium-dev libssl-dev;" \
        in said, said
    assert "packaging/build-deps build" in said
    assert not os.path.exists(tmp_path / "root")
    assert not os.path.exists(tmp_path / "build")


def test_dovecot_config_that_says_nothing(tmp_path):
    """Its variables are empty, and what they begin would be the root."""
    config = tmp_path / "dovecot-config"
    config.write_text("dovecot_pkgincludedir=/usr/include/dovecot\n"
                      "dovecot_moduledir=''\n")
    code, said = make(tmp_path, "install", "DOVECOT_CONFIG=%s" % config)
    assert code == 2 and "not there: dovecot-dev;" in said, said
    assert not os.path.exists(tmp_path / "root")


@pytest.mark.parametrize("name", ["MODULEDIR", "BINDIR", "DATADIR",
                                  "SYSTEMDIR", "DOCDIR", "MANDIR"])
@pytest.mark.parametrize("value", ["", "/", "here"])
def test_nothing_is_put_into_the_root(tmp_path, name, value):
    for goal in "install", "uninstall":
        code, said = make(tmp_path, "-n", goal, "%s=%s" % (name, value))
        assert code == 2 and '%s is "%s"' % (name, value) in said, said
    assert not os.path.exists(tmp_path / "root")


def test_all_that_is_installed_lies_in_its_place(tmp_path):
    done = subprocess.run(
        ["make", "-s", "-C", servers.TOP, "install",
         "DESTDIR=%s" % (tmp_path / "root")], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode == 0, done
    assert sorted(os.listdir(tmp_path / "root")) == ["usr"]


def test_a_dovecot_that_is_not_known_is_named(tmp_path):
    """In one sentence, and then it is tried: interfaces decide."""
    probes = os.path.join(servers.TOP, "plugin/dovecot/probes")
    config = "/usr/lib/dovecot/dovecot-config"
    with open(config) as file:
        headers = re.search("(?m)^dovecot_pkgincludedir=(.*)", file.read())
    folder = str(tmp_path / "include")
    shutil.copytree(headers.group(1).strip("'\""), folder)
    known = subprocess.run(["sh", probes, folder], text=True,
                           capture_output=True, check=True)
    assert known.stderr == ""
    path = folder + "/config.h"
    with open(path) as file:
        text = re.sub(r'(?m)^#define PACKAGE_VERSION .*',
                      '#define PACKAGE_VERSION "2.9.1"', file.read())
    with open(path, "w") as file:
        file.write(text)
    unknown = subprocess.run(["sh", probes, folder], text=True,
                             capture_output=True, check=True)
    assert unknown.stdout == known.stdout
    assert "not tested with Dovecot 2.9.1, only with 2.3.19 " in unknown.stderr
    assert "needs another Roost" in unknown.stderr

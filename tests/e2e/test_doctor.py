# SPDX-License-Identifier: MIT
"""doveadm roost doctor: each finding appears, and goes when the line that it
names is written."""

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile

import pytest

import apart
import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs the commands")

FOUND, USAGE = 2, 64
PLUGINS = "mail_plugins {\n  %s = yes\n}\n" if servers.NEW else \
    "mail_plugins = $mail_plugins %s\n"
NO_PLUGINS = "mail_plugins = \n" if servers.NEW else "mail_plugins = acl\n"


def lines(mend):
    """A line of a finding as configuration text: what stands between braces
    has lines of its own."""
    return re.sub(r" \}(?= \}|$)", "\n}", mend.replace(" { ", " {\n")) + "\n"


class Patient:
    """A configuration that nobody serves, to which lines are added."""

    def __init__(self, server):
        self.server, self.extra, self.settings = server, "", {}
        server.imap_port, server.pop3_port = 10143, 10110

    def ask(self, *args, wrap=None):
        """(exit status, findings, what it complained about)"""
        path = apart.configuration(self.server, "patient",
                                   settings=self.settings, extra=self.extra)
        done = subprocess.run(
            [*(wrap or []), "doveadm", "-c", path, "-f", "json", "roost",
             "doctor", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, env=self.server._environment(),
            timeout=120)
        rows = json.loads(done.stdout) if done.stdout.strip() else []
        return done.returncode, rows, done.stderr.decode()

    def find(self, name, where=None, args=(), wrap=None):
        """The findings of that name, and of that place if it is given."""
        code, rows, said = self.ask(*args, wrap=wrap)
        assert code in (0, FOUND), said
        bad = [row for row in rows if row["severity"] != "notice"]
        assert (code == FOUND) == bool(bad), rows
        return [row for row in rows if row["finding"] == name and
                (where is None or row["where"] == where)]


@pytest.fixture
def patient(make_server):
    return Patient(make_server("maildir", users=["alice"], start=False))


def test_healthy(patient):
    """Nothing is told of the example configuration but what is so on every
    server, and what the tests' own folders make."""
    code, rows, said = patient.ask()
    assert said == ""
    assert {row["finding"] for row in rows} <= {
        "deliver-log-format", "base-dir-on-disk", "core-dumps",
        "swap-not-encrypted"}
    for row in rows:
        assert row["what"] and row["why"] and row["mend"], row
        assert row["severity"] in ("notice", "warning", "error")


# Each finding of the configuration: what makes it, its name, its place (or
# None), and whether it is an error.

PLUGIN = "%s = %s\n" if servers.NEW else "plugin {\n  %s = %s\n}\n"
CONFIGURED = {
    "no-plugin": ("protocol imap {\n%s}\n" % NO_PLUGINS, "plugin-missing",
                  "protocol imap", "error"),
    "no-plugin-in-a-program": (
        "protocol indexer-worker {\n%s}\n" % NO_PLUGINS, "plugin-missing",
        "protocol indexer-worker", "error"),
    "no-plugin-in-another": (
        "protocol quota-status {\n%s}\n" % NO_PLUGINS, "plugin-missing",
        "protocol quota-status", "error"),
    "no-plugin-for-a-network": (
        "remote 10.0.0.0/8 {\n%s}\n" % NO_PLUGINS, "plugin-missing",
        "remote/10.0.0.0/8", "error"),
    "fts": ("protocol imap {\n%s}\n" % (PLUGINS % "fts"),
            "full-text-plugin", "protocol imap", "error"),
    "fts-allowed": (PLUGINS % "fts" + PLUGIN % ("roost_fts", "allow"),
                    "full-text-plugin", "every protocol", "notice"),
    "log-format": ("", "deliver-log-format", "every protocol", "warning"),
    "log-format-of-lmtp": (
        "deliver_log_format = x\nprotocol lmtp {\n  deliver_log_format = "
        "%s\n}\n" % ("%{message} %{subject | upper}" if servers.NEW
                     else "%$ %{subject}"),
        "deliver-log-format", "protocol lmtp", "warning"),
    "mail-log": ("protocol imap {\n%s}\n" % (
        PLUGINS.replace("%s", "notify") % () + PLUGINS % "mail_log"
        if servers.NEW else "mail_plugins = $mail_plugins notify mail_log\n"),
        "mail-log-fields", "protocol imap", "warning"),
    "mail-log-subject": (
        (PLUGINS % "notify" + PLUGINS % "mail_log") + PLUGIN % (
            "mail_log_fields", "uid subject"),
        "mail-log-fields", "every protocol", "warning"),
    "rawlog": ("protocol imap {\n  rawlog_dir = /var/log/raw\n}\n", "rawlog",
               "protocol imap", "error"),
    "rawlog-of-lmtp": ("lmtp_rawlog_dir = /var/log/raw\n", "rawlog",
                       "every protocol", "error"),
    "rawlog-program": (
        "service imap {\n  executable = imap rawlog\n}\n", "rawlog",
        "service imap", "error"),
    "attachments": ((
        "mail_ext_attachment_path = /srv/a\n" if servers.NEW else
        "mail_attachment_dir = /srv/a\n"), "attachment-dir",
        "every protocol", "error"),
    "storage": ((
        "mail_driver = mbox\nmail_path = ~/mail\n" if servers.NEW else
        "mail_location = mbox:~/mail:INBOX=/var/mail/%u\n"), "storage-unfit",
        "every protocol", "error"),
    "storage-of-lmtp": ("protocol lmtp {\n  %s\n}\n" % (
        "mail_driver = mbox" if servers.NEW else
        "mail_location = mbox:~/mail"), "storage-unfit", "protocol lmtp",
        "error"),
    "storage-that-is-found": ((
        "mail_driver = auto\n" if servers.NEW else "mail_location =\n"),
        "storage-guessed", "every protocol", "warning"),
    "fetch-failure": ("imap_fetch_failure = disconnect-after\n",
                      "fetch-failure", "every protocol", "notice"),
    "auth-debug": ("auth_debug = yes\n", "debug-log", "auth_debug",
                   "warning"),
    "passwords": ("auth_debug_passwords = yes\n", "debug-log",
                  "auth_debug_passwords", "error"),
    "verbose-passwords": ("auth_verbose_passwords = sha1\n", "debug-log",
                          "auth_verbose_passwords", "warning"),
    "mail-debug": ("mail_debug = yes\n", "debug-log", "mail_debug",
                   "warning"),
    "log-debug": ("log_debug = category=mail\n", "debug-log", "log_debug",
                  "warning"),
    "vsz-limit": ("service imap {\n  vsz_limit = 70M\n}\n", "vsz-limit",
                  "service imap", "warning"),
    "vsz-limit-by-default": ("default_vsz_limit = 70M\n", "vsz-limit",
                             "service pop3", "warning"),
}
if not servers.NEW:
    CONFIGURED["log-format-in-short"] = (
        "deliver_log_format = %$ %w %.30s\n", "deliver-log-format",
        "every protocol", "warning")
if servers.NEW:
    del CONFIGURED["passwords"]
    CONFIGURED["mail-log"] = (
        "protocol imap {\n  mail_plugins {\n    notify = yes\n"
        "    mail_log = yes\n  }\n}\n",) + CONFIGURED["mail-log"][1:]


@pytest.mark.parametrize("what", CONFIGURED)
def test_configuration(patient, what):
    extra, name, where, severity = CONFIGURED[what]
    if name != "deliver-log-format":
        assert not patient.find(name, where)
    patient.extra = extra
    found = patient.find(name, where)
    assert [row["severity"] for row in found] == [severity], found
    mend = found[0]["mend"]
    if mend.startswith("in that block: "):
        mend = extra.split("{")[0] + "{ %s }" % mend.split(": ", 1)[1]
    patient.extra += lines(mend)
    assert not patient.find(name, where), patient.extra


@pytest.mark.skipif(servers.NEW, reason="only 2.3 has lists that a later line "
                    "does not change")
def test_list_that_stands_before_the_line_of_roost(patient):
    """As in conf.d, where 20-lmtp.conf comes before 90-roost.conf."""
    patient.server.roost = False
    patient.server.protocol_plugins = {}
    patient.extra = "".join(
        "protocol %s {\n  mail_plugins = $mail_plugins %s\n}\n" % pair
        for pair in [("imap", "imap_sieve"), ("lmtp", "sieve"),
                     ("lda", "sieve")]) + \
        patient.server._roost_settings()
    found = patient.find("plugin-missing")
    assert [row["where"] for row in found] == [
        "protocol imap", "protocol lmtp", "protocol lda"]
    for row in found:
        assert "a list of its own" in row["what"]
        patient.extra += lines(row["mend"])
    assert not patient.find("plugin-missing")


def test_no_plugin_anywhere(patient):
    """One line mends it, and one finding says so."""
    patient.extra = NO_PLUGINS + "".join(
        "protocol %s {\n%s}\n" % (name, NO_PLUGINS)
        for name in ("imap", "pop3", "lmtp", "lda"))
    patient.server.protocol_plugins = {}
    found, = patient.find("plugin-missing")
    assert found["where"] == "every protocol"


def test_plugin_in_each_protocol_alone(patient):
    """A list for all that lacks it is no fault then."""
    programs = ("imap", "pop3", "lmtp", "lda", "doveadm", "indexer-worker")
    patient.server.protocol_plugins = {}
    patient.extra = NO_PLUGINS + "".join(
        "protocol %s {\n%s}\n" % (name, PLUGINS % "roost")
        for name in programs)
    assert not patient.find("plugin-missing")


# A server that is older than the installation

@pytest.mark.skipif(not servers.NEW, reason="2.3 learns by a reload")
def test_server_that_was_started_before(make_server):
    server = make_server("maildir", users=["alice"])
    module = os.path.join(servers.MODULES, "settings", "libroost_settings.so")

    def told():
        return [row for row in ask(server)[1]
                if row["finding"] == "restart-needed"]
    assert not told()
    os.chmod(module, 0o644)
    found, = told()
    assert found["severity"] == "error" and "reload" in found["why"]
    assert "restart dovecot" in found["mend"]
    done = server.doveadm("roost", "status", "-u", "alice", check=False)
    assert done.returncode == 78 and b"restart dovecot" in done.stderr
    server.stop()
    assert not told()
    server.start()
    assert not told()


@pytest.mark.skipif(not servers.NEW, reason="2.3 learns by a reload")
def test_command_that_gets_the_old_configuration(make_server, tmp_path):
    """As doveadm does by default: from the server that runs."""
    server = make_server("maildir", roost=False, users=["alice"], start=False)
    module = os.path.join(servers.MODULES, "settings", "libroost_settings.so")
    away = str(tmp_path / "module")
    shutil.move(module, away)
    try:
        server.start()
    finally:
        shutil.move(away, module)
    socket = os.path.join(server.run_dir, "config")
    done = subprocess.run(
        ["doveadm", "-c", socket, "roost", "init", "-u", "alice"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=server._environment(), timeout=120)
    assert done.returncode == 75, done
    assert b"restart Dovecot, a reload is not enough" in done.stderr, done


# mail_crypt

def test_mail_crypt(patient, tmp_path):
    """It seals no more after the line is written, and each of its settings
    names what takes its place."""
    key = tmp_path / "crypt.pem"
    key.write_text("a key")
    patient.extra = PLUGINS % "mail_crypt" + (
        "crypt_global_public_key_file = %s\ncrypt_user_key_curve = X448\n"
        "crypt_global_private_key main {\n  crypt_private_key_file = %s\n}\n"
        if servers.NEW else
        "plugin {\n  mail_crypt_global_public_key = <%s\n"
        "  mail_crypt_curve = X448\n"
        "  mail_crypt_global_private_key = <%s\n"
        "  mail_crypt_save_version = 2\n}\n") % (key, key)
    found = patient.find("mail-crypt-writes")
    assert [row["severity"] for row in found] == ["warning"]
    told = patient.find("mail-crypt-setting")
    assert len(told) == 3
    mends = {row["what"].split()[0].replace("mail_", ""): row["mend"]
             for row in told}
    assert "roost_auto_create = yes" in mends[
        "crypt_user_key_curve" if servers.NEW else "crypt_curve"]
    assert "roost_provider_key = " in mends["crypt_global_private_key"]
    patient.extra += lines(found[0]["mend"])
    assert not patient.find("mail-crypt-writes"), patient.extra


def crypt_settings(folder):
    """(settings, further text) of mail_crypt with a key pair."""
    private, public = (os.path.join(folder, name) for name in "ab")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-out", private],
                   check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out",
                    public], check=True)
    for path in private, public:
        os.chmod(path, 0o644)
    if servers.NEW:
        return {"crypt_global_public_key_file": public,
                "crypt_write_algorithm": "aes-256-gcm-sha256"}, \
            "crypt_global_private_key main {\n" \
            "  crypt_private_key_file = %s\n}\n" % private
    return {"mail_crypt_global_private_key": "<" + private,
            "mail_crypt_global_public_key": "<" + public,
            "mail_crypt_save_version": "2"}, ""


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_who_still_needs_mail_crypt(make_server, disk, storage):
    """As long as a message does, that is said, and then that none does."""
    settings, extra = crypt_settings(disk)
    server = make_server(storage, roost=False, settings=settings,
                         extra=extra, plugins=["mail_crypt"],
                         users=["alice"])
    for _ in range(2):
        assert server.deliver(b"Subject: x\r\n\r\nx\r\n",
                              "alice")[0][0] == 250
    server.roost = True
    server.settings.update({"crypt_write_algorithm": None} if servers.NEW
                           else {"mail_crypt_save_version": "0"})
    server.reload()
    assert server.deliver(b"Subject: x\r\n\r\nx\r\n", "alice")[0][0] == 250
    found, = of_user(server, "mail-crypt-mail")
    assert found["severity"] == "notice"
    assert found["what"].startswith("2 messages are sealed by mail_crypt")
    assert not of_user(server, "mail-crypt-unneeded")
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "uid", "1:2")
    assert not of_user(server, "mail-crypt-mail")
    assert of_user(server, "mail-crypt-unneeded")


# The provider key

def test_no_provider_key(patient):
    patient.settings["roost_provider_key"] = None
    found, = patient.find("provider-key-missing")
    assert found["severity"] == "error"
    line = found["mend"].replace("/etc/dovecot/private/roost-provider.key",
                                 patient.server.keyfile)
    assert line != found["mend"]
    patient.extra = lines(line)
    assert not patient.find("provider-key-missing")


def test_provider_key_in_the_configuration(patient):
    secret = tamper.read(patient.server.keyfile).decode().strip()
    patient.settings["roost_provider_key"] = \
        "inline:" + secret if servers.NEW else secret
    code, rows, said = patient.ask()
    assert secret not in said + json.dumps(rows)
    found, = patient.find("provider-key-inline")
    patient.extra = lines(found["mend"].replace(
        "/etc/dovecot/private/roost-provider.key", patient.server.keyfile))
    assert not patient.find("provider-key-inline")


@pytest.mark.parametrize("setting", ["roost_provider_key",
                                     "roost_provider_old_key"])
def test_provider_key_that_everybody_reads(patient, tmp_path, setting):
    path = tmp_path / "some.key"
    path.write_text(os.urandom(32).hex())
    path.chmod(0o644)
    patient.settings[setting] = str(path) if servers.NEW else "<%s" % path
    found, = patient.find("provider-key-mode")
    assert (found["severity"], found["where"]) == ("error", str(path))
    subprocess.run(found["mend"], shell=True, check=True)
    assert not patient.find("provider-key-mode")
    group, = patient.find("provider-key-group")
    assert group["severity"] == "notice"
    subprocess.run(group["mend"], shell=True, check=True)
    assert not patient.find("provider-key-group")


# Folders and memory

@pytest.fixture
def disk():
    """A folder beside the tests' tmpfs."""
    path = tempfile.mkdtemp(dir=os.environ["ROOST_E2E_TMP"])
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def is_on_disk(path):
    """False where the whole machine lives in memory."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", path],
                          stdout=subprocess.PIPE, check=True).stdout
    return kind.strip() not in (b"tmpfs", b"ramfs")


def test_spool_on_a_disk(patient, disk):
    patient.extra = "mail_temp_dir = %s\n" % disk
    found = patient.find("temp-dir-on-disk")
    assert [row["where"] for row in found] == [disk] * is_on_disk(disk)
    patient.extra += "mail_temp_dir = %s\n" % patient.server.tmp_dir
    assert not patient.find("temp-dir-on-disk")


def test_base_dir_on_a_disk(patient, disk):
    """Of a Dovecot that keeps keys there."""
    patient.extra = "base_dir = %s\n" % disk
    found = patient.find("base-dir-on-disk")
    assert [row["where"] for row in found] == \
        [disk] * (is_on_disk(disk) and servers.NEW)
    patient.extra += "base_dir = %s\n" % patient.server.tmp_dir
    assert not patient.find("base-dir-on-disk")


def over(tmp_path, target, text):
    """A command in front of another that sees this text in the place of a
    file of the system; no one else does."""
    path = tmp_path / "over"
    path.write_text(text)
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", script,
            "sh", str(path), target]


ROOT_ONLY = pytest.mark.skipif(
    not servers.ROOT, reason="nobody else may mount over files of the system")
SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@ROOT_ONLY
@pytest.mark.parametrize("area, is_told", [
    ("", False), ("/dev/zram0 partition 1 0 -2\n", False),
    ("/dev/null partition 1 0 -2\n", True)],
    ids=["none", "compressed-memory", "a-device"])
def test_swap(patient, tmp_path, area, is_told):
    wrap = over(tmp_path, "/proc/swaps", SWAPS + area)
    found = patient.find("swap-not-encrypted", wrap=wrap)
    assert bool(found) == is_told
    if found:
        assert found[0]["where"] == "/dev/null"
        assert "/etc/crypttab" in found[0]["mend"]


@ROOT_ONLY
def test_core_dumps(make_server, tmp_path):
    """Of the server that runs: by the limit that its processes have."""
    patient = Patient(make_server("maildir", users=["alice"]))
    wrap = over(tmp_path, "/proc/sys/kernel/core_pattern", "core\n")
    pid = patient.server.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_CORE)
    if most == 0:
        pytest.skip("no process may leave one here")
    resource.prlimit(pid, resource.RLIMIT_CORE, (most, most))
    found, = patient.find("core-dumps", wrap=wrap)
    assert "LimitCORE=0" in found["mend"] and "core" in found["what"]
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, most))
    assert not patient.find("core-dumps", wrap=wrap)
    resource.prlimit(pid, resource.RLIMIT_CORE, (most, most))
    wrap = over(tmp_path, "/proc/sys/kernel/core_pattern", "\n")
    assert not patient.find("core-dumps", wrap=wrap)


def test_vsz_limit_that_is_told_is_too_small(make_server):
    """What the finding's line gives is enough for a login by password, and
    what it complains of is not."""
    server = make_server("maildir", users=["alice"], secret=True)
    server.init_password_mode("alice")
    assert server.deliver(b"Subject: x\r\n\r\nx\r\n", "alice")[0][0] == 250
    server.extra = "service imap {\n  vsz_limit = 70M\n}\n"
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
    found, = [row for row in ask(server)[1]
              if row["finding"] == "vsz-limit"]
    server.extra += lines(found["mend"])
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(b"x\r\n")


def test_vsz_limit_for_the_configured_cost(patient):
    """More memory for Argon2id asks for a larger limit."""
    where = "service imap"
    patient.extra = "service imap {\n  vsz_limit = 150M\n}\n"
    assert not patient.find("vsz-limit", where)
    patient.settings["roost_argon2_memory"] = "128 M"
    found, = patient.find("vsz-limit", where)
    patient.extra = lines(found["mend"])
    assert not patient.find("vsz-limit", where)


# Users

@pytest.fixture
def users(make_server):
    server = make_server("maildir", secret=True, users={
        "alice": {}, "bob": {"roost_auto_create": "no"}, "carol": {}})
    assert server.deliver(b"Subject: x\r\n\r\nx\r\n", "alice")[0][0] == 250
    return server


def ask(server, *args):
    done = server.doveadm("-f", "json", "roost", "doctor", *args, check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done.returncode, rows, done.stderr.decode()


def of_user(server, name, user="alice"):
    code, rows, said = ask(server, "-u", user)
    assert code in (0, FOUND) and said == "", said
    return [row for row in rows if row["finding"] == name]


def test_user_without_a_keyring(users):
    found, = of_user(users, "no-keyring", "bob")
    assert found["severity"] == "warning"
    assert of_user(users, "no-keyring", "carol")[0]["severity"] == "notice"
    assert not of_user(users, "no-keyring")
    users.doveadm(*found["mend"].split()[1:])
    assert not of_user(users, "no-keyring", "bob")


def test_all_users(users):
    code, rows, said = ask(users, "-A")
    assert code == FOUND and said == ""
    assert {row["username"] for row in rows
            if row["finding"] == "no-keyring"} == {"bob", "carol"}
    assert {row["username"] for row in rows
            if row["finding"] == "one-slot"} == {"alice"}


def test_keyring_that_is_refused(users):
    path = tamper.keyring_path(users, "alice")
    text = tamper.read(path)
    tamper.write(path, text[:-40])
    found, = of_user(users, "keyring-refused")
    assert found["severity"] == "error" and "[doc-" in found["what"]
    tamper.write(path, text)
    assert not of_user(users, "keyring-refused")


def test_one_slot(users):
    """In password mode that one secret is all there is; with a second one of
    the user it is told no more."""
    text, writer = tamper.make_keyring(users, "carol", "password",
                                       policy=b"sealed")
    tamper.put_keyring(users, "carol", text)
    found, = of_user(users, "one-slot", "carol")
    assert found["severity"] == "warning"
    assert "doveadm roost slot add -u carol recovery" in found["mend"]
    writer.add_escrow(tamper.rf.public_of(os.urandom(32)))
    tamper.put_keyring(users, "carol", writer.text())
    assert of_user(users, "one-slot", "carol")
    escrow, = of_user(users, "escrow", "carol")
    assert escrow["severity"] == "notice"
    assert escrow["mend"] == "doveadm roost slot remove -u carol 2"
    writer.add_salted(b"recovery", os.urandom(20))
    tamper.put_keyring(users, "carol", writer.text())
    assert not of_user(users, "one-slot", "carol")


def test_password_slot_that_costs_more_than_there_is(users):
    text, _ = tamper.make_keyring(users, "carol", "password", m=131072)
    tamper.put_keyring(users, "carol", text)
    patient = Patient(users)
    patient.extra = "service imap {\n  vsz_limit = 150M\n}\n"
    args = ("-u", "carol")
    found, = patient.find("vsz-limit", args=args)
    assert found["severity"] == "error" and "128 MiB" in found["what"]
    patient.extra += lines(found["mend"])
    assert not patient.find("vsz-limit", args=args)


@pytest.mark.parametrize("mode, severity", [(0o644, "error"),
                                            (0o640, "warning")])
def test_keyring_that_others_read(users, mode, severity):
    path = tamper.keyring_path(users, "alice")
    os.chmod(path, mode)
    found, = of_user(users, "keyring-mode")
    assert (found["severity"], found["where"]) == (severity, path)
    subprocess.run(found["mend"], shell=True, check=True)
    assert not of_user(users, "keyring-mode")


def test_mail_that_everybody_looks_into(users):
    root = os.path.join(users.home("alice"), "Maildir")
    os.chmod(root, 0o755)
    found, = of_user(users, "mail-mode")
    assert (found["severity"], found["where"]) == ("warning", root)
    subprocess.run(found["mend"], shell=True, check=True)
    assert not of_user(users, "mail-mode")


def test_provider_key_beside_the_mail(users, disk):
    """On one disk; not where the key lies in memory."""
    mail = os.path.join(disk, "mail")
    os.mkdir(mail)
    users.own(mail)
    key = os.path.join(disk, "provider.key")
    users.write(key, tamper.read(users.keyfile), 0o600)
    patient = Patient(users)
    patient.extra = "mail_path = %s\n" % mail if servers.NEW else \
        "mail_location = maildir:%s\n" % mail
    args = ("-u", "alice")
    assert not patient.find("provider-key-place", args=args)
    patient.settings["roost_provider_key"] = key if servers.NEW else "<" + key
    found = patient.find("provider-key-place", args=args)
    assert [row["where"] for row in found] == [key] * is_on_disk(disk)
    assert len(patient.find("provider-key-place", args=("-A",))) == len(found)


def test_user_whose_userdb_takes_the_plugin_away(users):
    fields = {"mail_plugins/roost": "no"} if servers.NEW else \
        {"mail_plugins": "acl"}
    users.change_user("alice", **fields)
    found, = of_user(users, "plugin-missing")
    assert (found["severity"], found["where"]) == ("error", "user alice")
    users.change_user("alice", **{name: None for name in fields})
    assert not of_user(users, "plugin-missing")


def test_old_provider_key(users):
    old = os.path.join(users.root, "old.key")
    os.rename(users.keyfile, old)
    users.write(users.keyfile, os.urandom(32).hex() + "\n", 0o600)
    patient = Patient(users)
    patient.settings["roost_provider_old_key"] = old if servers.NEW \
        else "<" + old
    found, = patient.find("provider-key-old", args=("-u", "alice"))
    assert found["severity"] == "warning"
    assert "doveadm roost provider-rotate -u alice" in found["mend"]


def test_nonsense_is_refused(users):
    code, rows, said = ask(users, "now")
    assert (code, rows) == (USAGE, [])
    code, rows, said = ask(users, "-u", "nobody")
    assert code == 67 and rows == []


@pytest.mark.parametrize("form", ["tab", "flow", "table", "pager"])
def test_every_format(users, form):
    done = users.doveadm("-f", form, "roost", "doctor", "-A", check=False)
    assert b"no-keyring" in done.stdout and done.returncode == FOUND

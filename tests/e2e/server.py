# SPDX-License-Identifier: MIT
"""server: a private Dovecot with or without Roost, in one folder.

Everything a server writes lies under its folder: configuration, sockets,
logs, temporary files and mail. It listens on loopback and on unix sockets
only, and stop() returns when the last of its processes has ended.
"""

import contextlib
import ctypes
import glob
import grp
import imaplib
import os
import poplib
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import time

import imapclient
import logwatch
import processes

TOP = os.environ.get("ROOST_E2E_TOP") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
PLAIN = os.environ.get("ROOST_E2E_PLAIN") == "1"
PRELOAD = os.environ.get("ROOST_E2E_PRELOAD")
STORAGES = ("maildir", "sdbox", "mdbox")
MAGIC = bytes.fromhex("8E5253540D0A1A0A")
PASSWORD = "secret-of-%s"
USERS = ("alice", "bob", "carol", "dave", "erin")
ROOT = os.geteuid() == 0
MAIL_UID = 5000 if ROOT else os.geteuid()
MAIL_GID = 5000 if ROOT else os.getegid()

# Beyond what the longest test line needs.
imaplib._MAXLINE = poplib._MAXLINE = 100000000


# Dovecot's log process outlives the master for a moment.
processes.adopt()


def _run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.DEVNULL).stdout.decode()


def _version():
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", _run("dovecot", "--version"))
    return tuple(int(number) for number in found.groups())


VERSION = _version()
MAJOR = VERSION[:2]
NEW = MAJOR >= (2, 4)


def _default(name):
    found = re.search(r"^%s = (.*)$" % name, _run("doveconf", "-d", name),
                      re.M)
    return found.group(1)


# A service's setting by which its processes serve client after client.
SERVES_MANY = "restart_request_count = unlimited" if NEW else \
    "service_count = 0"

LDA = os.path.join(_default("libexec_dir"), "dovecot-lda")
MODULES = _default("mail_plugin_dir")


def _free_ports():
    """Two: a second one while the first is held, or it may be the same."""
    with socket.socket() as one, socket.socket() as two:
        for sock in one, two:
            sock.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _session_port(line):
    """The client's port of a line that an IMAP session logged, or None."""
    named = re.search(r" imap\(.*\)<\d+><([A-Za-z0-9+/]{16})>: ", line)
    return named and logwatch.session_port(named.group(1))


def _drop(client):
    for file in (client.sock, client.file):
        if file is not None:
            file.close()


def _die_with_parent():
    """In the child: a killed test run leaves no server behind."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """One Dovecot.

    storage   maildir, sdbox or mdbox
    roost     load the plugin (never under ROOST_E2E_PLAIN=1)
    settings  settings by flat name: on 2.3 they go into plugin { }, roost_*
              alike; None takes one of packaging/conf away
    plugins   further mail_plugins, loaded beside Roost
    flags     load roost_flags, with or without Roost; its settings by name
              without roost_flags_
    users     {name: {userdb field: value}} or an iterable of names
    crlf      mail_save_crlf
    secret    hand the hashed login password over as roost_secret_key
    extra     text appended to dovecot.conf
    protocol_plugins  {"imap": [...], "lmtp": [...]}
    """

    def __init__(self, root, storage="maildir", roost=True, settings=None,
                 plugins=(), users=USERS, crlf=False, secret=False,
                 extra="", protocol_plugins=None, keyfile=None, flags=None):
        assert storage in STORAGES, storage
        self.root = str(root)
        self.storage = storage
        self.roost = roost and not PLAIN
        self.settings = dict(settings or {})
        self.plugins = list(plugins)
        self.flags = None if flags is None or PLAIN else dict(flags)
        self.users = {name: {} for name in users}
        if isinstance(users, dict):
            self.users = {name: dict(fields)
                          for name, fields in users.items()}
        self.crlf = crlf
        self.secret = secret
        self.extra = extra
        self.protocol_plugins = {"imap": [], "pop3": [], "lmtp": ["sieve"],
                                 "lda": ["sieve"]}
        for protocol, names in (protocol_plugins or {}).items():
            self.protocol_plugins[protocol] += names
        # {user: (uid, gid)} of users with ids of their own (root only).
        self.uids = {}
        self.process = self.watch = None
        self.clients = []
        self.conf = os.path.join(self.root, "dovecot.conf")
        self.log = os.path.join(self.root, "dovecot.log")
        self.run_dir = os.path.join(self.root, "run")
        # On the tmpfs that tests/e2e/run has mounted.
        self.tmp_dir = os.path.join(os.environ["ROOST_E2E_TMP"], "spool",
                                    os.path.basename(self.root))
        self.mail_root = os.path.join(self.root, "mail")
        self.keyfile = keyfile or os.path.join(self.root, "provider.key")
        self.imap_port = self.pop3_port = None
        self._make_tree()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # The folder

    def _make_tree(self):
        os.makedirs(self.root, exist_ok=True)
        os.chmod(self.root, 0o755)
        for folder in (self.run_dir, os.path.join(self.root, "state")):
            os.makedirs(folder, mode=0o755, exist_ok=True)
        os.makedirs(self.tmp_dir, exist_ok=True)
        os.chmod(self.tmp_dir, 0o1777)
        os.makedirs(self.mail_root, exist_ok=True)
        for user in self.users:
            os.makedirs(self.home(user), mode=0o700, exist_ok=True)
        self.own(self.mail_root)
        if not os.path.exists(self.keyfile):
            self.write(self.keyfile, os.urandom(32).hex() + "\n", 0o600)
        # dovecot-lda appends to it as the user.
        self.write(self.log, "", 0o666)
        self.write_users()

    @staticmethod
    def write(path, text, mode=0o644):
        with open(path, "w" if isinstance(text, str) else "wb") as file:
            file.write(text)
        os.chmod(path, mode)

    @staticmethod
    def own(path):
        """Gives a tree to the mail's owner."""
        for folder, names, files in os.walk(path):
            for entry in [folder] + [os.path.join(folder, name)
                                     for name in names + files]:
                os.lchown(entry, MAIL_UID, MAIL_GID)

    def home(self, user):
        return os.path.join(self.mail_root, user)

    def password(self, user):
        return PASSWORD % user

    def write_users(self):
        """(Re)writes the passwd-file: self.users may change at any time."""
        lines = []
        for user, fields in self.users.items():
            uid, gid = self.uids.get(user, (MAIL_UID, MAIL_GID))
            if self.uids:
                fields = dict(fields, uid=uid, gid=gid)
            extra = " ".join("userdb_%s=%s" % item
                             for item in fields.items())
            lines.append("%s:{PLAIN}%s:%d:%d::%s::%s\n" % (
                user, self.password(user), uid, gid, self.home(user), extra))
        self.write(os.path.join(self.root, "users"), "".join(lines))

    def change_user(self, user, **fields):
        """Changes userdb fields (None: takes one away); returns when
        Dovecot has seen it (it looks at its passwd-file once a second)."""
        self.users[user].update(fields)
        self.users[user] = {name: value for name, value
                            in self.users[user].items() if value is not None}
        path = os.path.join(self.root, "users")
        stamp = int(os.stat(path).st_mtime) + 1
        self.write_users()
        os.utime(path, (stamp, stamp))
        deadline = time.monotonic() + 20
        wanted = {"%s\t%s" % item for item in self.users[user].items()}
        gone = {name for name, value in fields.items() if value is None}
        while True:
            shown = self.doveadm("user", user).stdout.decode().splitlines()
            if wanted <= set(shown) and not gone & {
                    line.split("\t")[0] for line in shown}:
                return
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)

    def init_password_mode(self, user):
        assert self.secret
        reader, writer = os.pipe()
        os.write(writer, self.password(user).encode() + b"\n")
        os.close(writer)
        try:
            return self.doveadm("roost", "init", "-u", user, "--mode",
                                "password", "--secret-fd", str(reader),
                                pass_fds=(reader,)).stdout
        finally:
            os.close(reader)

    # Configuration

    def _roost_settings(self):
        """The example an admin gets, with our key file for the system's."""
        path = os.path.join(TOP, "packaging", "conf", "%d.%d" % MAJOR,
                            "90-roost.conf")
        with open(path) as file:
            text = file.read()
        assert "/etc/dovecot/roost-provider.key" in text, path
        return text.replace("/etc/dovecot/roost-provider.key", self.keyfile)

    def configuration(self):
        text = self._conf_24() if NEW else self._conf_23()
        return text + self._common() + self.extra

    def _common(self):
        # Where it is on, Dovecot sets keywords when it happens to parse a
        # message: answers then depend on what was asked before.
        lines = ["mail_attachment_detection_options ="]
        if not ROOT:
            user = pwd.getpwuid(os.getuid()).pw_name
            lines += ["default_internal_user = " + user,
                      "default_login_user = " + user,
                      "default_internal_group = " +
                      grp.getgrgid(os.getgid()).gr_name]
            lines += ["service %s {\n  chroot =\n}" % name
                      for name in _chrooted_services()]
        if PRELOAD:
            lines.append("default_vsz_limit = 0")
        if not self.roost:
            # As the example configuration of Roost has it.
            lines.append("imap_fetch_failure = no-after")
        return "\n".join(lines) + "\n"

    def _path(self):
        return {"maildir": "~/Maildir", "sdbox": "~/sdbox",
                "mdbox": "~/mdbox"}[self.storage]

    def _listeners(self):
        return """
listen = 127.0.0.1
ssl = no
base_dir = {run}
state_dir = {root}/state
log_path = {log}
mail_temp_dir = {tmp}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100
postmaster_address = postmaster@roost.test
hostname = roost.test
{crlf}
service imap-login {{
  {many}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  {many}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
""".format(run=self.run_dir, root=self.root, log=self.log, tmp=self.tmp_dir,
           imap=self.imap_port, pop3=self.pop3_port, many=SERVES_MANY,
           crlf="mail_save_crlf = yes" if self.crlf else "")

    def _conf_23(self):
        secret = " userdb_roost_secret_key=%{sha256:password}" \
            if self.secret else ""
        preload = ("import_environment = TZ LD_PRELOAD=%s ASAN_OPTIONS "
                   "UBSAN_OPTIONS LSAN_OPTIONS\n" % PRELOAD) if PRELOAD \
            else ""
        text = preload + self._listeners() + """
protocols = imap pop3 lmtp
disable_plaintext_auth = no
mail_location = {storage}:{path}
passdb {{
  driver = passwd-file
  args = {root}/users
  override_fields = {ids}userdb_home={mail}/%u{secret}
}}
userdb {{
  driver = prefetch
}}
userdb {{
  driver = passwd-file
  args = {root}/users
}}
mail_plugins = {plugins}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
}}
""".format(storage=self.storage, path=self._path(), root=self.root,
           ids="" if self.uids else "userdb_uid=%d userdb_gid=%d " % (
               MAIL_UID, MAIL_GID), mail=self.mail_root, secret=secret,
           plugins=" ".join(self._mail_plugins()))
        if self.roost:
            text += self._roost_settings()
        for protocol, names in self.protocol_plugins.items():
            text += "protocol %s {\n  mail_plugins = $mail_plugins %s\n}\n" \
                % (protocol, " ".join(names))
        text += "plugin {\n"
        for name, value in self._wanted_settings():
            text += "  %s = %s\n" % (name, value or "")
        return text + "}\n"

    def _conf_24(self):
        secret = "    userdb_roost_secret_key = " \
            "%{password | sha256 | hexlify}\n" if self.secret else ""
        preload = "".join(
            "import_environment {\n  %s = %s\n}\n" % (name, value)
            for name, value in [("LD_PRELOAD", PRELOAD)] +
            [(name, os.environ[name]) for name in os.environ
             if name.endswith("SAN_OPTIONS")]) if PRELOAD else ""
        version = "%d.%d.%d" % VERSION
        text = """\
dovecot_config_version = {version}
dovecot_storage_version = {version}
{preload}{listeners}
protocols = imap pop3 lmtp
auth_allow_cleartext = yes
mail_driver = {storage}
mail_path = {path}
passdb passwd-file {{
  passwd_file_path = {root}/users
  fields {{
{ids}    userdb_home = {mail}/%{{user}}
{secret}  }}
}}
userdb prefetch {{
}}
userdb passwd-file {{
  passwd_file_path = {root}/users
}}
sieve_script personal {{
  path = ~/sieve
  active_path = ~/.dovecot.sieve
}}
""".format(version=version, preload=preload, listeners=self._listeners(),
           storage=self.storage, path=self._path(), root=self.root,
           ids="" if self.uids else
           "    userdb_uid = %d\n    userdb_gid = %d\n" % (
               MAIL_UID, MAIL_GID), mail=self.mail_root, secret=secret)
        text += "mail_plugins {\n%s}\n" % "".join(
            "  %s = yes\n" % name for name in self._mail_plugins())
        if self.roost:
            text += self._roost_settings()
        for protocol, names in self.protocol_plugins.items():
            if names:
                text += "protocol %s {\n  mail_plugins {\n%s  }\n}\n" % (
                    protocol, "".join("    %s = yes\n" % name
                                      for name in names))
        for name, value in self._wanted_settings():
            text += "%s = %s\n" % (name, value or "")
        return text

    def _mail_plugins(self):
        return self.plugins + ["roost_flags"] * (self.flags is not None)

    def _wanted_settings(self):
        # Dovecot takes "$" for a variable, unless it is quoted.
        return [(name, value) for name, value in self.settings.items()
                if self.roost or not name.startswith("roost_")] + [
            ("roost_flags_" + name, '"%s"' % value)
            for name, value in (self.flags or {}).items()]

    def write_conf(self):
        self.write(self.conf, self.configuration(), 0o644)

    # Life

    def start(self):
        for attempt in range(5):
            self.imap_port, self.pop3_port = _free_ports()
            self.write_conf()
            if self._try_start():
                return self
        raise AssertionError("dovecot found no free port:\n" + self._tail())

    def _environment(self):
        environment = dict(os.environ, TMPDIR=self.tmp_dir)
        if PRELOAD:
            environment["LD_PRELOAD"] = PRELOAD
        return environment

    def _try_start(self):
        self.mark = self._log_size()
        errors = open(os.path.join(self.root, "master.err"), "wb")
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.conf], stdin=subprocess.DEVNULL,
            stdout=errors, stderr=errors, start_new_session=True,
            env=self._environment(),
            preexec_fn=_die_with_parent)
        errors.close()
        self.watch = logwatch.Watch(self)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                said = self._tail() + self._read("master.err")
                self._wait_group()
                self.process = None
                if "ddress already in use" in said:
                    return False
                raise AssertionError("dovecot did not start:\n" + said)
            try:
                with socket.create_connection(
                        ("127.0.0.1", self.imap_port), timeout=20) as sock:
                    if sock.recv(5).startswith(b"* OK"):
                        return True
            except OSError:
                pass
            time.sleep(0.02)
        said = self._tail() + self._read("master.err")
        self._kill()
        raise AssertionError("dovecot did not answer:\n" + said)

    def reload(self):
        """Restarts with the configuration of now."""
        self.stop()
        return self.start()

    def ask_to_stop(self):
        """Begins to stop it: several servers end sooner side by side."""
        if self.process is None:
            return
        # A session left open would only make the server wait for it.
        for client in self.clients:
            _drop(client)
        self.clients = []
        if self.process.poll() is None:
            self.process.terminate()

    def stop(self):
        if self.process is None:
            return
        self.ask_to_stop()
        self._wait_master()
        self._wait_group()
        self.process = None
        self.check_crashes()

    def _wait_master(self):
        """When all others have ended, and it has said how, the master sleeps
        for a second and does nothing more: that is not waited for."""
        deadline = time.monotonic() + 30
        pids = list(processes.of_group(self.process.pid))
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self._kill()
                raise AssertionError("dovecot did not stop:\n" + self._tail())
            pids = [pid for pid in pids if processes.look(pid)]
            if len(pids) <= 2 and self._is_master_done():
                self.process.kill()
            time.sleep(0.005)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.run_dir, "master.pid"))

    def _is_master_done(self):
        left = processes.of_group(self.process.pid)
        master = left.pop(self.process.pid, None)
        return {found.name for found in left.values()} <= {"log"} and \
            (master is None or master.state == "S")

    def _wait_group(self):
        """Waits for the last process of the server's process group."""
        group, deadline = self.process.pid, time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-group, os.WNOHANG)[0]:
                    pass
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.002)
        os.killpg(group, signal.SIGKILL)
        raise AssertionError("processes of dovecot outlived it:\n" +
                             self._tail())

    def _kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def check_crashes(self):
        """No process of the server has crashed or leaked."""
        bad = [line for line in self.log_since(0).splitlines()
               if re.search(r"Panic:|killed with signal|Raw backtrace|"
                            r"AddressSanitizer|runtime error:|"
                            r"LeakSanitizer|out of memory", line)]
        reports = glob.glob(os.path.join(self.root, "sanitizer.*"))
        assert not bad and not reports, "\n".join(bad + reports)

    # The log

    def _read(self, name):
        with open(os.path.join(self.root, name), errors="replace") as file:
            return file.read()

    def _tail(self):
        return self._read("dovecot.log")[-4000:]

    def _log_size(self):
        return os.path.getsize(self.log)

    def _read_log(self, mark):
        """What the file holds at this moment."""
        with open(self.log, "rb") as file:
            file.seek(mark)
            return file.read().decode(errors="replace")

    def log_mark(self):
        """Where the log ends: nothing of a session that is over comes after
        it (see logwatch)."""
        self.settle_log()
        return self._log_size()

    def log_since(self, mark):
        """All that was logged after a mark: also the last line of a session
        that ended just now."""
        self.settle_log()
        return self._read_log(mark)

    def settle_log(self):
        """Waits until the log is whole."""
        if self.process is not None:
            self.watch.settle()

    def wait_log(self, pattern, mark=0, timeout=20):
        """Waits for a line that matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self._read_log(mark), re.M)
            if found:
                return found
            assert time.monotonic() < deadline, \
                "no log line /%s/ in:\n%s" % (pattern, self._read_log(mark))
            time.sleep(0.02)

    def session_pid(self, client):
        """The process of raw()'s client; its login may be logged after the
        client was answered."""
        deadline = time.monotonic() + 20
        while True:
            for line in self._read_log(client.log_mark).splitlines():
                port, pid = logwatch.login(line)
                if port == client.port:
                    return pid
            assert time.monotonic() < deadline, self._tail()
            time.sleep(0.005)

    def session_log(self, client):
        """All that the session of raw()'s client logged, which must be over.
        A line is the session's by its id, which holds the client's port."""
        assert not logwatch.is_open(client), "the session goes on"
        return [line for line in self.log_since(client.log_mark).splitlines()
                if _session_port(line) == client.port]

    # Clients

    @contextlib.contextmanager
    def _login(self, client, mark):
        """Closes a client that was not let in."""
        self.watch.add(client, mark)
        try:
            yield
        except BaseException:
            _drop(client)
            raise
        self.clients.append(client)

    def raw(self, user="alice", password=None):
        mark = self._log_size()
        client = imapclient.Client(("127.0.0.1", self.imap_port))
        client.log_mark = mark
        with self._login(client, mark):
            client.ok("LOGIN %s %s" % (user, password or self.password(user)))
        return client

    def imap(self, user="alice"):
        mark = self._log_size()
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=120)
        with self._login(client, mark):
            client.login(user, self.password(user))
        return client

    def pop3(self, user="alice"):
        mark = self._log_size()
        client = poplib.POP3("127.0.0.1", self.pop3_port, timeout=120)
        with self._login(client, mark):
            client.user(user)
            client.pass_(self.password(user))
        return client

    def lmtp(self):
        client = smtplib.LMTP(os.path.join(self.run_dir, "lmtp"))
        self.watch.add_lmtp(client)
        return client

    def deliver(self, message, *users, sender="sender@roost.test",
                client=None):
        """One LMTP transaction, in a connection of its own unless one is
        given; returns [(code, text)] in recipients' order."""
        if client is None:
            with self.lmtp() as client:
                return self.deliver(message, *users, sender=sender,
                                    client=client)
        client.ehlo_or_helo_if_needed()
        code, text = client.docmd("MAIL FROM:<%s>" % sender)
        assert code == 250, text
        answers, accepted = {}, []
        for user in users:
            code, text = client.docmd("RCPT TO:<%s>" % user)
            if code == 250:
                accepted.append(user)
            else:
                answers[user] = (code, text)
        if accepted:
            code, text = client.docmd("DATA")
            assert code == 354, text
            client.send(smtp_data(message))
            for user in accepted:
                answers[user] = client.getreply()
        else:
            client.docmd("RSET")
        return [answers[user] for user in users]

    def lda(self, user, message, *args):
        """dovecot-lda; returns the completed process."""
        return subprocess.run(
            [LDA, "-c", self.conf, "-d", user, *args], input=message,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self._environment(), timeout=120)

    def doveadm(self, *args, input=None, check=True, pass_fds=()):
        """doveadm; returns the completed process with bytes."""
        done = subprocess.run(
            ["doveadm", "-c", self.conf, *args], input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self._environment(), timeout=300, pass_fds=pass_fds)
        assert not check or done.returncode == 0, \
            "doveadm %s: %d\n%s" % (" ".join(args), done.returncode,
                                    done.stderr.decode(errors="replace"))
        return done

    def dsync_server(self, user):
        """The command that answers a dsync for this server: in a clean
        environment, since Dovecot hands its settings on through it."""
        keep = ["%s=%s" % (name, value)
                for name, value in self._environment().items()
                if name in ("PATH", "TMPDIR", "LD_PRELOAD") or
                name.endswith("SAN_OPTIONS")]
        return ["env", "-i", *keep, "doveadm", "-c", self.conf,
                "dsync-server", "-u", user]

    def sieve(self, user, script):
        """Makes `script` the user's active one."""
        path = os.path.join(self.home(user), ".dovecot.sieve")
        for old in glob.glob(os.path.join(glob.escape(self.home(user)),
                                          ".dovecot.svbin")):
            os.unlink(old)
        self.write(path, script)
        os.chown(path, MAIL_UID, MAIL_GID)

    # The disk

    def mail_files(self, user=None):
        """The files that hold messages, sorted."""
        homes = [self.home(name) for name in
                 ([user] if user else self.users)]
        found = []
        for home in homes:
            for folder, _, names in os.walk(home):
                found += [os.path.join(folder, name) for name in names
                          if self._is_mail(folder, name)]
        return sorted(found)

    def _is_mail(self, folder, name):
        last = os.path.basename(folder)
        if self.storage == "maildir":
            return last in ("cur", "new")
        if self.storage == "sdbox":
            return last == "dbox-Mails" and bool(re.match(r"u\.\d+$", name))
        return last == "storage" and bool(re.match(r"m\.\d+$", name))

    def broken_files(self, user):
        """Copies that Dovecot's repair of dbox files left behind."""
        return [os.path.join(folder, name)
                for folder, _, names in os.walk(self.home(user))
                for name in names if name.endswith(".broken")]

    def objects(self, user=None):
        """The stored bytes of each message: [(path, offset, bytes)]."""
        found = []
        for path in self.mail_files(user):
            with open(path, "rb") as file:
                content = file.read()
            if self.storage == "maildir":
                found.append((path, 0, content))
            else:
                found += [(path, start, content[start:start + size])
                          for start, size in dbox_messages(content)]
        return found

    def find_on_disk(self, *words, everywhere=False):
        """The files that contain one of the words (bytes): message files,
        or with everywhere all that lies under the server's folder but its
        own configuration."""
        paths = self.mail_files()
        if everywhere:
            paths = [os.path.join(folder, name)
                     for folder, _, names in os.walk(self.root)
                     for name in names]
        hits = []
        for path in paths:
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    content = file.read()
                hits += [(path, word) for word in words if word in content]
        return hits

    def assert_sealed(self, user=None, count=None):
        """Each message of the user is sealed (Roost off: is not)."""
        objects = self.objects(user)
        assert objects and (count is None or len(objects) == count), \
            "%d messages on disk, not %s" % (len(objects), count)
        for path, offset, content in objects:
            assert content.startswith(MAGIC) == self.roost, \
                "%s at %d: %r" % (path, offset, content[:80])

    def remove_indexes(self, user):
        """Deletes what Dovecot can rebuild; the server must be stopped."""
        for folder, _, names in os.walk(self.home(user)):
            for name in names:
                if name.startswith(("dovecot.index", "dovecot.list.index",
                                    "dovecot.map.index")) or \
                        name == "dovecot-uidlist":
                    os.unlink(os.path.join(folder, name))

    def remove(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)


def dbox_messages(content):
    """(start, size) of each message in a dbox file."""
    line = content[:content.index(b"\n") + 1]
    header_size = int(re.search(rb" M([0-9a-f]+)", line).group(1), 16)
    pos, found = len(line), []
    while pos < len(content):
        header = content[pos:pos + header_size]
        assert header[:2] == b"\x01\x02", (pos, header)
        size = int(header[4:header_size - 1].split()[-1], 16)
        start = pos + header_size
        found.append((start, size))
        end = content.index(b"\n\x01\x03\n", start + size) \
            if size else content.index(b"\n\x01\x03\n", start)
        assert end == start + size, (end, start, size)
        pos = content.index(b"\n\n", end) + 2
    return found


def smtp_data(message):
    """A message as it goes over the wire: CRLF lines, dots doubled."""
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message) + b".\r\n"


def _chrooted_services():
    """Services that Dovecot chroots by default: root alone can."""
    found, name, depth = [], None, 0
    for line in _run("doveconf", "-d", "service").splitlines():
        opening = re.match(r"\s*service (\S+) \{", line)
        if opening:
            name = opening.group(1)
        if re.match(r"\s*chroot = \S", line):
            found.append(name)
    return found


def compression():
    """(plugins, settings) that compress what is saved."""
    if NEW:
        return ["mail_compress"], {"mail_compress_write_method": "gz"}
    return ["zlib"], {"zlib_save": "gz", "zlib_save_level": "6"}


def quota(limit="1G"):
    """(plugins, settings) that count and limit."""
    return ["quota"], {} if NEW else {
        "quota": "count:storage", "quota_vsizes": "yes",
        "quota_rule": "*:storage=" + limit}


def quota_extra(limit="1G"):
    """Configuration text that quota() needs beside settings."""
    return 'quota storage {\n  quota_storage_size = %s\n' \
        '  quota_storage_grace = 0\n}\n' % limit \
        if NEW else ""


def quota_fields(limit):
    """userdb fields that set one user's limit."""
    if NEW:
        return {"quota/storage/quota_storage_size": limit}
    return {"quota_rule": "*:storage=" + limit}

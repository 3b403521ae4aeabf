# SPDX-License-Identifier: MIT
"""server: a private Dovecot with or without Roost, in one folder.

Everything a server writes lies in its folder: configuration, sockets, logs
and mail. Only its temporary files lie on a tmpfs beside it. It listens on
loopback and on unix sockets only, and stop() returns when the last of its
processes has ended.
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

# The tests read lines that are longer than these modules allow by default.
imaplib._MAXLINE = poplib._MAXLINE = 100000000


# Dovecot's log process outlives the master for a moment: with this, the test
# run becomes its parent then and can wait for its end.
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


# With this setting a process of a service serves one client after another.
SERVES_MANY = "restart_request_count = unlimited" if NEW else \
    "service_count = 0"

LDA = os.path.join(_default("libexec_dir"), "dovecot-lda")
MODULES = _default("mail_plugin_dir")


def _free_ports():
    """Returns two different free ports. Both are bound at the same time,
    because the system might otherwise give the same one twice."""
    with socket.socket() as one, socket.socket() as two:
        for sock in one, two:
            sock.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _session_port(line):
    """Returns the client's port if an IMAP session logged the line, or else
    None."""
    named = re.search(r" imap\(.*\)<\d+><([A-Za-z0-9+/]{16})>: ", line)
    return named and logwatch.session_port(named.group(1))


def _drop(client):
    """Closes a client's connection without a farewell."""
    for file in (client.sock, client.file):
        if file is not None:
            file.close()


def _die_with_parent():
    """Runs in the child before it becomes Dovecot. The kernel then ends the
    server when its parent ends, so that a killed test run leaves none
    behind."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """One Dovecot. Its parameters say how it is configured:

    storage   is maildir, sdbox or mdbox.
    roost     tells whether the plugin is loaded; with ROOST_E2E_PLAIN=1 it
              never is.
    settings  are settings by name. Dovecot 2.3 gets all of them in
              plugin { }. The value None empties a setting of packaging/conf.
    plugins   are further mail_plugins, which are loaded beside Roost.
    flags     are the settings of roost_flags, by name without roost_flags_.
              If they are not None, roost_flags is loaded, with or without
              Roost.
    users     are {name: {userdb field: value}} or an iterable of names.
    crlf      turns mail_save_crlf on.
    secret    makes the login hand the hashed password over as
              roost_secret_key.
    extra     is text at the end of dovecot.conf.
    protocol_plugins  are more plugins for a protocol: {"imap": [...]}.
    keyfile   is the path of the provider key; if it is None, the server makes
              a key of its own.
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
        # If it is not empty: {user: (uid, gid)} of the users who do not have
        # the usual ids. Only root can run such a server.
        self.uids = {}
        self.process = self.watch = None
        self.clients = []
        self.conf = os.path.join(self.root, "dovecot.conf")
        self.log = os.path.join(self.root, "dovecot.log")
        self.run_dir = os.path.join(self.root, "run")
        # The folder for temporary files is on a tmpfs that tests/e2e/run has
        # mounted.
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
        # Everybody may write the log, because dovecot-lda appends to it as the
        # user.
        self.write(self.log, "", 0o666)
        self.write_users()

    @staticmethod
    def write(path, text, mode=0o644):
        with open(path, "w" if isinstance(text, str) else "wb") as file:
            file.write(text)
        os.chmod(path, mode)

    @staticmethod
    def own(path):
        """Makes the user who owns all mail the owner of a folder and of all
        that is in it."""
        for folder, names, files in os.walk(path):
            for entry in [folder] + [os.path.join(folder, name)
                                     for name in names + files]:
                os.lchown(entry, MAIL_UID, MAIL_GID)

    def home(self, user):
        return os.path.join(self.mail_root, user)

    def password(self, user):
        return PASSWORD % user

    def write_users(self):
        """Writes the passwd-file anew, because self.users may have
        changed."""
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
        """Changes userdb fields; the value None removes one. Returns when
        Dovecot has read the change, which it looks for once a second. The time
        of the passwd-file is moved on, because Dovecot compares it in whole
        seconds."""
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

    def init_password_mode(self, user, *options):
        """Makes a keyring that the user's login password opens; returns what
        doveadm prints."""
        assert self.secret
        reader, writer = os.pipe()
        os.write(writer, self.password(user).encode() + b"\n")
        os.close(writer)
        try:
            return self.doveadm(*options, "roost", "init", "-u", user,
                                "--mode", "password", "--secret-fd", str(reader),
                                pass_fds=(reader,)).stdout
        finally:
            os.close(reader)

    # Configuration

    def _roost_settings(self):
        """Returns the configuration that an admin includes, with this
        server's key file and folder in the place of the system's."""
        path = os.path.join(TOP, "packaging", "conf", "%d.%d" % MAJOR,
                            "enable.conf")
        with open(path) as file:
            text = file.read()
        for name, own in (
                ("/etc/dovecot/private/roost-provider.key", self.keyfile),
                ("/run/dovecot-roost/spool", self.tmp_dir)):
            assert name in text, path
            text = text.replace(name, own)
        return text

    def configuration(self):
        text = self._conf_24() if NEW else self._conf_23()
        return text + self._common() + self.extra

    def _common(self):
        # If attachment detection is on, Dovecot sets keywords whenever it
        # parses a message: answers would depend on what was asked before.
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
            # A plain server behaves as Roost's example configuration asks.
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
        # The values of flags are quoted, because Dovecot takes an unquoted "$"
        # for the beginning of a variable.
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
            if self.watch.has_begun() and self._is_answering():
                return True
            time.sleep(0.01)
        said = self._tail() + self._read("master.err")
        self._kill()
        raise AssertionError("dovecot did not answer:\n" + said)

    def _is_answering(self):
        with contextlib.suppress(OSError):
            with socket.create_connection(
                    ("127.0.0.1", self.imap_port), timeout=20) as sock:
                return sock.recv(5).startswith(b"* OK")

    def reload(self):
        """Stops the server and starts it with its settings as they are
        now."""
        self.stop()
        return self.start()

    def ask_to_stop(self):
        """Tells the server to stop, and does not wait. Several servers that
        stop at the same time take less time than one after another."""
        if self.process is None:
            return
        # The server would wait for sessions that are still open.
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
        """Waits until the master has ended. When it has logged how all other
        processes ended, it would sleep for a second and do nothing more, so it
        is killed then."""
        deadline = time.monotonic() + 30
        pids = list(processes.of_group(self.process.pid))
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self._kill()
                raise AssertionError("dovecot did not stop:\n" + self._tail())
            pids = [pid for pid in pids if processes.read_stat(pid)]
            if len(pids) <= 2 and self._is_master_done():
                self.process.kill()
            time.sleep(0.005)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.run_dir, "master.pid"))

    def _is_master_done(self):
        """Tells whether no process but the log process is left and the master
        sleeps or has ended."""
        left = processes.of_group(self.process.pid)
        master = left.pop(self.process.pid, None)
        return {found.name for found in left.values()} <= {"log"} and \
            (master is None or master.state == "S")

    def _wait_group(self):
        """Waits until the last process of the server's process group has
        ended."""
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
        """Asserts that no process of the server has crashed or leaked."""
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
        """Returns what the log holds behind a mark at this moment."""
        with open(self.log, "rb") as file:
            file.seek(mark)
            return file.read().decode(errors="replace")

    def log_mark(self):
        """Returns where the log ends. Nothing that a session which is over
        has logged comes after this mark (see logwatch)."""
        self.settle_log()
        return self._log_size()

    def log_since(self, mark):
        """Returns all that was logged after a mark, with the last line of a
        session that ended just now."""
        self.settle_log()
        return self._read_log(mark)

    def settle_log(self):
        """Waits until the log has all lines of the sessions that are over."""
        if self.process is not None:
            self.watch.settle()

    def wait_log(self, pattern, mark=0, timeout=20):
        """Waits until a line of the log matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self._read_log(mark), re.M)
            if found:
                return found
            assert time.monotonic() < deadline, \
                "no log line /%s/ in:\n%s" % (pattern, self._read_log(mark))
            time.sleep(0.02)

    def session_pid(self, client):
        """Returns the process that serves a client of raw(). It waits for
        the log, because a login may be logged after the client was
        answered."""
        deadline = time.monotonic() + 20
        while True:
            for line in self._read_log(client.log_mark).splitlines():
                port, pid = logwatch.login(line)
                if port == client.port:
                    return pid
            assert time.monotonic() < deadline, self._tail()
            time.sleep(0.005)

    def session_log(self, client):
        """Returns the lines that the session of a client of raw() logged.
        The session must be over. A line names the session's id, which holds
        the client's port."""
        assert not logwatch.is_open(client), "the session goes on"
        return [line for line in self.log_since(client.log_mark).splitlines()
                if _session_port(line) == client.port]

    # Clients

    @contextlib.contextmanager
    def _login(self, client, mark):
        """Surrounds a login. If that fails, the client is closed at once, and
        otherwise by ask_to_stop()."""
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
        """Delivers a message to users in one LMTP transaction, over the
        client or else a new connection. Returns [(code, text)] in the order of
        the users."""
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
        """Runs dovecot-lda; returns the completed process."""
        return subprocess.run(
            [LDA, "-c", self.conf, "-d", user, *args], input=message,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self._environment(), timeout=120)

    def doveadm(self, *args, input=None, check=True, pass_fds=()):
        """Runs doveadm; returns the completed process, whose output is
        bytes. With check its status must be 0."""
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
        """Returns the command that answers another server's dsync. It runs
        in a clean environment, because Dovecot hands settings on through the
        environment, and those would be the other server's."""
        keep = ["%s=%s" % (name, value)
                for name, value in self._environment().items()
                if name in ("PATH", "TMPDIR", "LD_PRELOAD") or
                name.endswith("SAN_OPTIONS")]
        return ["env", "-i", *keep, "doveadm", "-c", self.conf,
                "dsync-server", "-u", user]

    def sieve(self, user, script):
        """Makes a script the user's active Sieve script."""
        path = os.path.join(self.home(user), ".dovecot.sieve")
        for old in glob.glob(os.path.join(glob.escape(self.home(user)),
                                          ".dovecot.svbin")):
            os.unlink(old)
        self.write(path, script)
        os.chown(path, MAIL_UID, MAIL_GID)

    # The disk

    def mail_files(self, user=None):
        """Returns the files that hold messages of one or of all users,
        sorted."""
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
        """Returns the copies of dbox files that Dovecot left behind when it
        repaired them."""
        return [os.path.join(folder, name)
                for folder, _, names in os.walk(self.home(user))
                for name in names if name.endswith(".broken")]

    def objects(self, user=None):
        """Returns [(path, offset, bytes)], the stored bytes of each
        message."""
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
        """Returns [(path, word)] for each of the words (bytes) that a file
        contains. It reads the files that hold messages, or with everywhere all
        files in the server's folder."""
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
        """Asserts that each stored message of one or of all users is sealed,
        or that none is if Roost is not loaded."""
        objects = self.objects(user)
        assert objects and (count is None or len(objects) == count), \
            "%d messages on disk, not %s" % (len(objects), count)
        for path, offset, content in objects:
            assert content.startswith(MAGIC) == self.roost, \
                "%s at %d: %r" % (path, offset, content[:80])

    def remove_indexes(self, user):
        """Deletes the user's indexes and UID lists, which Dovecot can
        rebuild. The server must be stopped."""
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
    """Returns [(start, size)] of the messages in a dbox file."""
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
    """Returns a message as SMTP sends it: its lines end with CRLF, a dot that
    begins a line is doubled, and a line with one dot comes last."""
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message) + b".\r\n"


def _chrooted_services():
    """Returns the names of the services that Dovecot would chroot by default,
    which only root can do."""
    found, name, depth = [], None, 0
    for line in _run("doveconf", "-d", "service").splitlines():
        opening = re.match(r"\s*service (\S+) \{", line)
        if opening:
            name = opening.group(1)
        if re.match(r"\s*chroot = \S", line):
            found.append(name)
    return found


def compression():
    """Returns (plugins, settings) that compress what is saved."""
    if NEW:
        return ["mail_compress"], {"mail_compress_write_method": "gz"}
    return ["zlib"], {"zlib_save": "gz", "zlib_save_level": "6"}


def quota(limit="1G"):
    """Returns (plugins, settings) with which Dovecot counts and limits the
    users' mail."""
    return ["quota"], {} if NEW else {
        "quota": "count:storage", "quota_vsizes": "yes",
        "quota_rule": "*:storage=" + limit}


def quota_extra(limit="1G"):
    """Returns the configuration text that quota() needs beside its
    settings."""
    return 'quota storage {\n  quota_storage_size = %s\n' \
        '  quota_storage_grace = 0\n}\n' % limit \
        if NEW else ""


def quota_fields(limit):
    """Returns the userdb fields that set one user's limit."""
    if NEW:
        return {"quota/storage/quota_storage_size": limit}
    return {"quota_rule": "*:storage=" + limit}

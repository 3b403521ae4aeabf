# SPDX-License-Identifier: MIT
"""dictkit: databases in which keyrings lie, each of a test's own.

Each Engine runs in a folder of a server's, listens on a unix socket there, and
is stopped by its process id; nobody's service is touched. get(), put() and
drop() look at and change what is stored of a user without Dovecot.
"""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import server as servers

KEY = "priv/roost/keyring"
NAME = "keys"
# Dovecot's own user, as whom its dict server runs.
DICT_USER = "dovecot" if servers.ROOT else pwd.getpwuid(os.geteuid()).pw_name


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Engine:
    """A database. A subclass says how Dovecot is told of it."""

    # Whether mail processes ask it through Dovecot's dict server.
    is_served = False

    def __init__(self, server):
        self.server = server
        self.folder = os.path.join(server.root, "database")
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o755)
        self.process = None

    def configure(self):
        """Tells the server of it; the server must not run."""
        self.server.settings["roost_keyring"] = self.location()
        self.server.extra += self.conf()
        return self

    def location(self):
        return "dict:" + NAME

    # Life

    def start(self):
        return self

    def run(self, args, user=None):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                args, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, user=user, group=user,
                extra_groups=[] if user else None)

    def is_ready(self):
        with contextlib.suppress(OSError), \
                socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)
            return True
        assert self.process.poll() is None, self.log()
        return False

    def log(self):
        with open(os.path.join(self.folder, "log"),
                  errors="replace") as file:
            return file.read()[-4000:]

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.go_on()
        self.process.send_signal(how)
        self.process.wait(60)
        self.process = None

    def hold(self):
        """The engine answers nothing more, until go_on()."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


def of_roost_dict(text):
    """Returns what Dovecot 2.4 is to read of a dict of that name."""
    return "roost_dict %s {\n%s}\n" % (NAME, text)


class File(Engine):
    """Dovecot's own file driver, a file in each user's home."""

    def location(self):
        return "dict:" + (NAME if servers.NEW else "file:~/keys.dict")

    def conf(self):
        return of_roost_dict("  dict file {\n    path = ~/keys.dict\n  }\n") \
            if servers.NEW else ""

    def path(self, user):
        return os.path.join(self.server.home(user), "keys.dict")

    def get(self, user):
        if not os.path.exists(self.path(user)):
            return None
        with open(self.path(user), "rb") as file:
            lines = file.read().split(b"\n")
        if KEY.encode() not in lines[0::2]:
            return None
        value = lines[lines.index(KEY.encode()) + 1]
        return value.replace(b"\1n", b"\n")

    def put(self, user, value):
        with open(self.path(user) + ".new", "wb") as file:
            file.write(KEY.encode() + b"\n" +
                       value.replace(b"\n", b"\1n") + b"\n")
        os.chown(file.name, servers.MAIL_UID, servers.MAIL_GID)
        os.rename(file.name, self.path(user))

    def drop(self, user):
        os.unlink(self.path(user))


class Redis(Engine):
    """Asked by the mail processes themselves, without the dict server."""

    TIMEOUT_MSECS = 2000

    def location(self):
        return "dict:" + (NAME if servers.NEW else
                          "redis:path=%s:timeout_msecs=%d" % (
                              self.socket, self.TIMEOUT_MSECS))

    def conf(self):
        return of_roost_dict(
            "  dict redis {\n    redis_socket_path = %s\n"
            "    redis_request_timeout = %d ms\n  }\n" % (
                self.socket, self.TIMEOUT_MSECS)) if servers.NEW else ""

    @property
    def socket(self):
        return os.path.join(self.folder, "sock")

    def start(self):
        self.run(["redis-server", "--port", "0", "--unixsocket", self.socket,
                  "--unixsocketperm", "777", "--save", "", "--dir",
                  self.folder, "--daemonize", "no"])
        wait_until(self.is_ready)
        return self

    def ask(self, *words):
        words = [word.encode() if isinstance(word, str) else word
                 for word in words]
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)
            sock.sendall(b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            with sock.makefile("rb") as file:
                line = file.readline()
                assert line[:1] in b"+:$", line
                if line[:1] != b"$" or line == b"$-1\r\n":
                    return None
                return file.read(int(line[1:]))

    def key(self, user):
        return user + "/roost/keyring"

    def get(self, user):
        return self.ask("GET", self.key(user))

    def put(self, user, value):
        self.ask("SET", self.key(user), value)

    def drop(self, user):
        self.ask("DEL", self.key(user))


# Of the table in which both databases of SQL keep keyrings.
TABLE = "CREATE TABLE roost_keyrings (username varchar(255) PRIMARY KEY, " \
    "keyring text NOT NULL)"


class Sql(Engine):
    """Asked through Dovecot's dict server."""

    is_served = True

    def conf(self):
        mode = "service dict {\n  unix_listener dict {\n    mode = 0666\n" \
            "  }\n}\n"
        if servers.NEW:
            return mode + of_roost_dict(
                "  dict proxy {\n    name = %s\n  }\n" % NAME) + """\
dict_server {
  dict %s {
    driver = sql
    sql_driver = %s
%s
    dict_map %s {
      sql_table = roost_keyrings
      username_field = username
      value_field keyring {
      }
    }
  }
}
""" % (NAME, self.driver, self.place(), KEY)
        self.server.write(os.path.join(self.folder, "dict.conf"), """\
connect = %s
map {
  pattern = %s
  table = roost_keyrings
  username_field = username
  value_field = keyring
}
""" % (self.place(), KEY))
        return mode + "dict {\n  %s = %s:%s/dict.conf\n}\n" % (
            NAME, self.driver, self.folder)


class Sqlite(Sql):
    driver = "sqlite"

    @property
    def path(self):
        return os.path.join(self.folder, "sqlite", "keys.db")

    def place(self):
        return "    sqlite_path = " + self.path if servers.NEW else self.path

    def start(self):
        os.makedirs(os.path.dirname(self.path))
        self.query(TABLE)
        for path in (os.path.dirname(self.path), self.path):
            shutil.chown(path, DICT_USER)
        return self

    def query(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.path)) as db, db:
            return db.execute(text, values).fetchall()

    def get(self, user):
        found = self.query("SELECT keyring FROM roost_keyrings WHERE "
                           "username = ?", user)
        return found[0][0].encode() if found else None

    def put(self, user, value):
        self.query("INSERT OR REPLACE INTO roost_keyrings VALUES (?, ?)",
                   user, value.decode())

    def drop(self, user):
        self.query("DELETE FROM roost_keyrings WHERE username = ?", user)


class Pgsql(Sql):
    driver = "pgsql"
    # Its server refuses to run as root.
    user = "postgres" if servers.ROOT else None

    def place(self):
        if servers.NEW:
            return """\
    pgsql %s {
      parameters {
        dbname = postgres
        user = roost
      }
    }""" % self.folder
        return "host=%s dbname=postgres user=roost" % self.folder

    @property
    def socket(self):
        return os.path.join(self.folder, ".s.PGSQL.5432")

    @staticmethod
    def program(name):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name))
        assert found, "postgresql is not installed"
        return found[-1]

    def start(self):
        data = os.path.join(self.folder, "data")
        if self.user:
            shutil.chown(self.folder, self.user)
        if not os.path.exists(data):
            self.run([self.program("initdb"), "-D", data, "-U", "roost", "-A",
                      "trust", "-E", "UTF8", "--no-locale", "-N"],
                     self.user)
            assert self.process.wait(120) == 0, self.log()
        self.run([self.program("postgres"), "-D", data, "-F", "-k",
                  self.folder, "-c", "listen_addresses=", "-c",
                  "max_connections=50"], self.user)
        wait_until(self.is_up)
        if not self.query("SELECT 1 FROM pg_tables WHERE tablename = "
                          "'roost_keyrings'"):
            self.query(TABLE)
        return self

    def is_up(self):
        return self.is_ready() and self.psql("SELECT 1").returncode == 0

    def psql(self, text):
        return subprocess.run(
            [self.program("psql"), "-X", "-q", "-At", "-v",
             "ON_ERROR_STOP=1", "-h", self.folder, "-U", "roost", "postgres"],
            input=text.encode(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def query(self, text):
        done = self.psql(text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, user):
        found = self.query("SELECT encode(convert_to(keyring, 'UTF8'), "
                           "'hex') || '.' FROM roost_keyrings WHERE "
                           "username = '%s'" % user)
        return bytes.fromhex(found.decode().strip()[:-1]) if found else None

    def put(self, user, value):
        self.query("INSERT INTO roost_keyrings VALUES ('%s', '%s') ON "
                   "CONFLICT (username) DO UPDATE SET keyring = "
                   "excluded.keyring" % (user, value.decode()))

    def drop(self, user):
        self.query("DELETE FROM roost_keyrings WHERE username = '%s'" % user)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends its sessions, for which SIGTERM would wait."""
        super().stop(how)


ENGINES = {"file": File, "redis": Redis, "pgsql": Pgsql, "sqlite": Sqlite}


def generation(doc):
    return int(re.search(rb"^generation (\d+)$", doc, re.M).group(1))

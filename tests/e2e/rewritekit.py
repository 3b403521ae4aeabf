# SPDX-License-Identifier: MIT
"""rewritekit: mailboxes that were there before Roost, and all that must be the
same of them before and after their messages were sealed in place.
"""

import itertools
import json
import os
import re

import apart
import shim
import tamper

# Storages whose messages can be rewritten in place.
STORAGES = ("maildir", "sdbox", "mdbox")

DATES = ("01-Jan-2001 01:02:03 +0000", "29-Feb-2004 23:59:59 -0800",
         "31-Dec-2019 12:00:00 +0530")
FLAGS = ("", r"\Seen \Flagged", r"\Answered Dentist", "plan-b $Forwarded",
         r"\Deleted \Draft")
FIELDS = "mailbox-guid uid guid flags modseq date.received date.saved " \
    "size.physical size.virtual pop3.uidl"

# The first of them is needed by every test that reads one.
MESSAGES = [
    b"From: a@sender.example\r\nTo: b@receiver.example\r\n"
    b"Subject: the dentist\r\nDate: Wed, 01 Jan 2020 10:00:00 +0000\r\n"
    b"Message-ID: <1@sender.example>\r\n\r\nat nine o'clock\r\n",
    b"Subject: nothing else\r\n\r\n",
    b"\r\nonly a body\r\n",
    b"Subject: several chunks\r\n\r\n" + b"".join(
        b"line %06d\r\n" % number for number in range(6000)),
    b"Subject: parts\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
    b"--b\r\nContent-Type: application/x; name=a\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n",
    b"Subject: no line end\r\n\r\nat the end of it",
]


def plain_conf(server, **more):
    """Returns a configuration of the same server without Roost."""
    return apart.configuration(server, "plain", roost=False, **more)


def fill(server, user, conf=None, messages=MESSAGES, mailbox="INBOX",
         make=False, is_cached=True):
    """Stores messages without Roost: with flags, keywords and dates."""
    with apart.Imap(server, user, conf or plain_conf(server)) as client:
        if make:
            client.ok("CREATE %s" % mailbox)
        for number, message in enumerate(messages):
            flags = FLAGS[number % len(FLAGS)]
            date = DATES[number % len(DATES)]
            answer = client.append(mailbox, message, flags, date)
            assert answer.ok, answer
        if not is_cached:
            return
        client.ok("SELECT %s" % mailbox)
        # So that there is a cache with words of the messages.
        client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE "
                  "BODY.PEEK[HEADER.FIELDS (SUBJECT X-WORD)])")


def init(server, user):
    server.doveadm("roost", "init", "-u", user)


def texts(server, user, conf=None):
    """Returns all messages of a user as IMAP shows them."""
    found = []
    with apart.Imap(server, user, conf or server.conf) as client:
        names = [line.split()[-1] for line in client.ok(
            'LIST "" "*"').untagged]
        for name in sorted(names):
            client.ok(b"EXAMINE " + name)
            found += [name] + client.ok(
                "FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])").untagged
    return found


def fetched(server, user):
    """Returns what doveadm tells of each message."""
    return server.doveadm("-f", "tab", "fetch", "-u", user, FIELDS,
                          "all").stdout.split(b"\n")


def facts(server, user, conf=None):
    """Returns all that a client or an admin is told of a user's mail."""
    status = server.doveadm("-f", "tab", "mailbox", "status", "-u", user,
                            "messages unseen uidnext uidvalidity "
                            "highestmodseq vsize guid", "*")
    return {"fetched": fetched(server, user),
            "status": status.stdout.split(b"\n"),
            "texts": texts(server, user, conf),
            "uidl": apart.uidl(server, user, conf or server.conf)}


def assert_same(server, user, before, but=()):
    """Asserts that a user's mail is as it was, but for some fields; shows what
    differs."""
    columns = [number for number, name in enumerate(FIELDS.split())
               if name not in but]

    def rows(lines):
        return [[line.split(b"\t")[column] for column in columns]
                for line in lines if line]

    now = facts(server, user)
    for name, lines in before.items():
        pairs = itertools.zip_longest(rows(lines), rows(now[name])) \
            if name == "fetched" else \
            itertools.zip_longest(lines, now[name])
        differing = [(old, new) for old, new in pairs if old != new]
        assert not differing, (name, differing[:5])


def rewrite(server, command, user, *args, status=0, options=()):
    """Runs one of the commands. Returns (rows of mailboxes by name, rows of
    messages that stay, what was said)."""
    done = server.doveadm(*options, "-f", "json", "roost", command, "-u",
                          user, *args, check=False)
    assert done.returncode == status, done
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    boxes = {row["mailbox"]: row for row in rows if row["uid"] == "*"}
    return boxes, [row for row in rows if row["uid"] != "*"], \
        done.stderr.decode()


def sealed_kinds(server, user):
    """Returns how many stored messages are sealed, and how many are not."""
    kinds = [content[:8] == tamper.rf.MAGIC for _, _, content
             in server.objects(user)]
    return kinds.count(True), kinds.count(False)


def left_behind(server, user):
    """Returns the temporary files that Roost's commands left in the folders
    of a user's mail."""
    return [os.path.join(folder, name)
            for folder, _, names in os.walk(server.home(user))
            for name in names if re.search(r"roost-rewrite", name)]


# What happens in the middle

MEDDLER = r"""
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static int
is_temporary_fd(int fd)
{
	char link[40], path[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = syscall(SYS_readlink, link, path, sizeof(path) - 1);
	if (len <= 0)
		return 0;
	path[len] = '\0';
	return strstr(path, "roost-rewrite") != NULL;
}

/* Run the command in PATH, if it is for this call, once. */
static void
meddle(const char *call)
{
	char text[4096] = "";
	int fd = syscall(SYS_openat, AT_FDCWD, PATH, O_RDONLY);

	if (fd < 0)
		return;
	syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	if (strncmp(text, call, strlen(call)) != 0)
		return;
	syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, PATH,
				   O_WRONLY | O_TRUNC));
	unsetenv("LD_PRELOAD");
	system(text + strlen(call));
}

#define CALL(name) \
	((long (*)(long, long, long, long, long)) \
	 dlsym(RTLD_NEXT, #name))(a, b, c, d, e)
#define MEDDLED(name, is_meant) \
long our_##name(long, long, long, long, long) __asm__(#name); \
long \
our_##name(long a, long b, long c, long d, long e) \
{ \
	if (is_meant) \
		meddle(#name " "); \
	return CALL(name); \
}
MEDDLED(fsync, is_temporary_fd(a))
MEDDLED(rename, strstr((const char *)a, "roost-rewrite") != NULL)

/* A disk that is full while the file's text is "full". */
static int
is_full(int fd)
{
	char text[5] = "";
	int flag;

	if (!is_temporary_fd(fd))
		return 0;
	flag = syscall(SYS_openat, AT_FDCWD, PATH, O_RDONLY);
	if (flag < 0)
		return 0;
	syscall(SYS_read, flag, text, 4);
	syscall(SYS_close, flag);
	return strcmp(text, "full") == 0;
}

#define WRITING(name) \
long our_##name(long, long, long, long, long) __asm__(#name); \
long \
our_##name(long a, long b, long c, long d, long e) \
{ \
	if (is_full(a)) { \
		errno = ENOSPC; \
		return -1; \
	} \
	return CALL(name); \
}
WRITING(write)
WRITING(writev)
WRITING(pwrite)
WRITING(pwrite64)
"""


class Meddler:
    """Runs doveadm and does something in the middle of it: a shell command
    just before a call (fsync, rename) for a temporary file of Roost."""

    def __init__(self, server):
        self.server = server
        self.shim = shim.Shim(server, MEDDLER)
        self.conf = self.shim.configuration(server)

    def run(self, text, command, user, *args, status=0):
        """Returns what rewrite() does. The text is the name of the call and
        the command, or "full": then no byte can be written."""
        with open(self.shim.flag, "w") as file:
            file.write(text)
        os.chmod(self.shim.flag, 0o666)
        try:
            return rewrite(self.server, command, user, *args, status=status,
                           options=["-c", self.conf])
        finally:
            self.was_done = os.path.getsize(self.shim.flag) == 0
            os.unlink(self.shim.flag)

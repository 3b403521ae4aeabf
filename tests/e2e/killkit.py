# SPDX-License-Identifier: MIT
"""killkit: commands that are killed before, in the middle of or after each call
by which they change what is stored.

A first run lists these calls; then the command is run again from the same
beginning for each of them, and ends there.  What stands on the disk after one
call stands there before the next one, so that "before" each of them and the end
of the command is all of it.  A write is in its middle where half of the bytes
are there.

A system does such a write whole or not at all when a process is killed, so that
half of one is tried where Roost writes, and not where Dovecot writes its
indexes, which would take such a half for one of another process at work.

ROOST_E2E_KILLS=all tries each of the calls; else a few of each command are
drawn, at most as many as that says, of as many kinds as there are.
"""

import os
import random
import re
import shutil
import signal
import subprocess

import corpus
import shim

KILLS = os.environ.get("ROOST_E2E_KILLS", "5")

KILLER = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* PATH has the number of the point at which the process ends, from 1; if it is
   0, it gets a line for each of them. */
static int
is_point(const char *call, const char *half, const char *path)
{
	static int at = -1, count;
	char text[5000] = "";
	int fd;

	if (at < 0) {
		fd = syscall(SYS_openat, AT_FDCWD, PATH, O_RDONLY);
		if (fd < 0)
			return 0;
		syscall(SYS_read, fd, text, sizeof(text) - 1);
		syscall(SYS_close, fd);
		at = atoi(text);
	}
	if (at > 0)
		return ++count == at;
	fd = syscall(SYS_openat, AT_FDCWD, PATH, O_WRONLY | O_APPEND);
	if (fd < 0)
		return 0;
	snprintf(text, sizeof(text), "%s%s %s\n", call, half, path);
	syscall(SYS_write, fd, text, strlen(text));
	syscall(SYS_close, fd);
	return 0;
}

static void
die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

/* Only what changes files of users counts. */
static int
is_counted(const char *call, const char *path)
{
	if (strncmp(path, ROOT, strlen(ROOT)) != 0)
		return 0;
	if (is_point(call, "", path))
		die();
	return 1;
}

static const char *
path_of(int fd)
{
	static char path[4096];
	char name[64];
	long len;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	len = syscall(SYS_readlinkat, AT_FDCWD, name, path,
		      sizeof(path) - 1);
	path[len < 0 ? 0 : len] = 0;
	return path;
}

static int
is_half(const char *call, int fd)
{
	const char *path = path_of(fd);

	return is_counted(call, path) && strstr(path, "/dovecot") == NULL &&
		is_point(call, "/2", path);
}

#define CALL(name, path, params, args) \
int name params \
{ \
	(void)is_counted(#name, path); \
	return ((int (*) params)dlsym(RTLD_NEXT, #name)) args; \
}

CALL(fsync, path_of(fd), (int fd), (fd))
CALL(fdatasync, path_of(fd), (int fd), (fd))
CALL(rename, b, (const char *a, const char *b), (a, b))
CALL(renameat2, d, (int a, const char *b, int c, const char *d, unsigned int e),
     (a, b, c, d, e))
CALL(link, b, (const char *a, const char *b), (a, b))
CALL(linkat, d, (int a, const char *b, int c, const char *d, int e),
     (a, b, c, d, e))
CALL(unlink, a, (const char *a), (a))
CALL(ftruncate, path_of(fd), (int fd, off_t size), (fd, size))
CALL(ftruncate64, path_of(fd), (int fd, off_t size), (fd, size))
CALL(fchmod, path_of(fd), (int fd, mode_t mode), (fd, mode))
CALL(fchown, path_of(fd), (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(futimens, path_of(fd), (int fd, const void *times), (fd, times))
CALL(mkdir, a, (const char *a, mode_t mode), (a, mode))

int
unlinkat(int dir, const char *name, int flags)
{
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", path_of(dir), name);
	(void)is_counted("unlinkat", *name == '/' ? name : path);
	return syscall(SYS_unlinkat, dir, name, flags);
}

#define PWRITE(name) \
ssize_t name(int fd, const void *data, size_t size, off_t off) \
{ \
	if (is_half(#name, fd)) { \
		syscall(SYS_pwrite64, fd, data, size / 2, off); \
		die(); \
	} \
	return syscall(SYS_pwrite64, fd, data, size, off); \
}

PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t
write(int fd, const void *data, size_t size)
{
	if (is_half("write", fd)) {
		syscall(SYS_write, fd, data, size / 2);
		die();
	}
	return syscall(SYS_write, fd, data, size);
}

ssize_t
writev(int fd, const struct iovec *iov, int iov_count)
{
	if (is_half("writev", fd)) {
		syscall(SYS_write, fd, iov[0].iov_base, iov[0].iov_len / 2);
		die();
	}
	return syscall(SYS_writev, fd, iov, iov_count);
}

/* A dict changes nothing here before it is asked to, and has done so, or not,
   when the answer is waited for. */
int
dict_lookup(void *a, const void *b, void *c, const char *key, void *d, void *e)
{
	if (is_point("dict_lookup", "", key))
		die();
	return ((int (*)(void *, const void *, void *, const char *, void *,
			 void *))dlsym(RTLD_NEXT, "dict_lookup"))(
		a, b, c, key, d, e);
}

void
dict_transaction_commit_async(void *a, void *b, void *c)
{
	if (is_point("dict_commit", "", "dict"))
		die();
	((void (*)(void *, void *, void *))
	 dlsym(RTLD_NEXT, "dict_transaction_commit_async"))(a, b, c);
	if (is_point("dict_commit", "/2", "dict"))
		die();
}

void
dict_wait(void *a)
{
	((void (*)(void *))dlsym(RTLD_NEXT, "dict_wait"))(a);
	if (is_point("dict_wait", "", "dict"))
		die();
}
"""


def kind_of(line):
    """Returns what a call is, without what differs from one run to another."""
    call, path = line.split(" ", 1)
    name = os.path.basename(path)
    for pattern, kind in ((r"roost-rewrite", "ours"), (r"^\.temp\.", "temp"),
                          (r"\.tmp$", "temporary"), (r"^\d+\.", "message"),
                          (r"\d+", "N")):
        if re.search(pattern, name):
            name = re.sub(pattern, kind, name) if kind == "N" else kind
    return call, name


class Killer:
    """Runs a command of doveadm again and again."""

    def __init__(self, server):
        self.server = server
        self.shim = shim.Shim(server, '#define ROOT "%s/"\n%s' % (
            server.mail_root, KILLER))
        self.conf = self.shim.configuration(server)

    def _run(self, number, command):
        with open(self.shim.flag, "w") as file:
            file.write("%d\n" % number)
        os.chmod(self.shim.flag, 0o666)
        try:
            status = command(self.conf)
            with open(self.shim.flag) as file:
                lines = file.read().splitlines()[1:]
        finally:
            self.shim.off()
        return status, lines

    def _drawn(self, lines, name):
        """Returns which points are tried: all, or of as many kinds as there
        may be one each."""
        if KILLS == "all":
            return range(1, len(lines) + 1)
        rng = random.Random("%d %s" % (corpus.SEED, name))
        kinds = {}
        for number, line in enumerate(lines, 1):
            kinds.setdefault(kind_of(line), []).append(number)
        drawn = [rng.choice(numbers) for numbers in kinds.values()]
        return sorted(rng.sample(drawn, min(len(drawn), int(KILLS))))

    def each(self, name, begin, command):
        """Yields what the command was killed at, each time.  begin() puts back
        what it starts from, and command(conf) runs it and returns its exit
        status."""
        begin()
        status, lines = self._run(0, command)
        assert status == 0, "%s: %s" % (name, status)
        assert len(lines) > 2, lines
        for number in self._drawn(lines, name):
            begin()
            status, _ = self._run(number, command)
            self.forget_locks()
            where = "%s, killed at %d of %d: %s" % (
                name, number, len(lines), lines[number - 1])
            assert status in (0, -signal.SIGKILL), (where, status)
            # One call more or less is made where a clock has gone on.
            if status != 0:
                yield where

    def forget_locks(self):
        """Removes locks of the process that is gone. Dovecot itself waits
        until it is sure of that, for minutes if the process had not written
        its number yet."""
        for folder, _, names in os.walk(self.server.mail_root):
            for name in names:
                if name.startswith("dovecot") and name.endswith(".lock"):
                    os.unlink(os.path.join(folder, name))


class Kept:
    """A copy of a user's home, to begin with again."""

    def __init__(self, server, user):
        self.home = server.home(user)
        self.path = os.path.join(server.root, "kept-%s" % user)
        shutil.rmtree(self.path, ignore_errors=True)
        subprocess.run(["cp", "-a", self.home, self.path], check=True)

    def restore(self):
        shutil.rmtree(self.home)
        subprocess.run(["cp", "-a", self.path, self.home], check=True)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""draw: takes conditions that lead to an error out of the plugin, at random and
one at a time; a test must fail.

    tests/mutants/draw.py [--seed N] [--count N] [--list] [WORD ...]

A condition leads to an error if the statement that depends on it returns or
sets one. It is taken out by making it false after it was evaluated. Each mutant
is built in a copy of the tree, and the tests that TESTS names for its file are
run until one fails. A mutant that does not compile is not counted. With WORDs
only conditions whose file or text contains one of them are drawn. With --list
the conditions are only printed.

EQUIVALENT lists conditions without which something else prevents the fault,
each with the reason. They are skipped when they are drawn.

Prints the seed, and for each mutant its file, line and condition and whether a
test noticed it. The last line is "N passed, N failed".
"""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

SECS_MAX = 900
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "shape"))
sys.path.insert(0, os.path.join(TOP, "tests", "mutants"))
import core  # noqa: E402
import plugin  # noqa: E402
from lint import blanked  # noqa: E402

# The rules for flags protect no keys, and the settings module has no condition.
SKIPPED = re.compile(r"flags|^rules/|^settings/[^c]")
ERROR = re.compile(
    r"return -1\b|return ROOST_ERR_|return err;|return NULL;|"
    r"return false;|\berr(or)? = ROOST_ERR_|\*?error_r = |"
    r"\bret = -1\b|goto out|return \w*(refuse|fail)\w*\(|"
    r"set_(critical|error)\(|\bis_bad = |SLOT_BAD")


def e2e(name, wanted=""):
    """Returns the command that runs tests of one file of tests/e2e; `wanted` is
    what pytest gets after -k."""
    return ["tests/e2e/run", "-x", "-q", f"test_{name}.py"] + \
        (["-k", wanted] if wanted else [])


def program(name, *args):
    """Returns the command that builds and runs a program of tests."""
    path = f"build/tests/{name}"
    return ["sh", "-c", f"make -s WERROR= {path} && " +
            " ".join((path,) + args)]


# These tests refuse messages, keyrings and policies. They need only maildir.
ATTACKS = e2e("attacks", "maildir and (changed_byte or length or keyring or "
              "plaintext or copied or refused)")
REFUSALS = e2e("refusals")
GUARDS = e2e("guards", "not dbox")
KEYS = e2e("keys", "not dbox")
POLICY = e2e("policy", "not dbox")
PLACED = e2e("policy", "maildir and (whatever or every_way)")
# In these tests calls fail while mail is read or saved.
FAULTS = e2e("faults", "fetch or file or save or sort or without_the")
CACHE = [FAULTS, e2e("cache", "not dbox"), e2e("cache_damage", "not dbox"),
         e2e("leaks"), e2e("cache_native", "not dbox")]

# Pairs of a pattern and commands. Of a file count the commands of the first
# pattern that its path matches.
TESTS = [
    (r"core/", [["make", "-s", "WERROR=", "check-core"],
                program("vectors/run", "tests/vectors"),
                program("fuzz/mutate", "50000")]),
    (r"tool/", [program("core/test_dbox"), program("core/test_uidlist"),
                program("core/test_say"), program("core/test_index"),
                program("core/test_unpack"), e2e("tool"),
                e2e("tool_compressed")]),
    (r"session/keystore|keyfile/", [program("core/test_keyfile"),
                        program("glue/test_keystore"),
                        program("glue/test_keystore_file"),
                        e2e("keystore", "not dbox"),
                        e2e("refusals", "keyring or folder"),
                        e2e("keys", "made_once")]),
    (r"session/ring-", [program("glue/test_ring_change"),
                     e2e("tenants", "not dbox"), POLICY]),
    (r"session/ring", [program("glue/test_ring"), e2e("ring", "not dbox"),
                    e2e("faults", "verify or status"),
                    e2e("keystore", "not dbox"),
                    REFUSALS, GUARDS, e2e("pins"), e2e("tenants", "not dbox"),
                    POLICY, ATTACKS]),
    (r"session/user-share", [program("glue/test_user_share"),
                             e2e("one_state", "not dbox")]),
    (r"session/user", [e2e("faults", "test_init or rebind or status"), GUARDS,
                    REFUSALS, e2e("pins"), e2e("ring", "not dbox"), POLICY,
                    e2e("owner", "not dbox"), e2e("tenants", "not dbox"),
                    e2e("neighbours", "not dbox"), ATTACKS]),
    (r"session/owner", [program("glue/test_owner"), e2e("owner", "not dbox")]),
    (r"mail/keyring-", [e2e("keyring_names")]),
    (r"session/scan-file", [program("glue/test_scan_file")]),
    (r"session/scan", [e2e("faults", "test_init or folders"),
                    e2e("lost_keyring"), GUARDS,
                    e2e("attacks", "maildir and keyring"),
                    e2e("keystore", "not dbox"), POLICY, REFUSALS]),
    (r"session/sealed-to", [e2e("verify", "epoch"), e2e("status", "epoch")]),
    (r"session/inspect", [GUARDS, ATTACKS, POLICY, e2e("delivery", "not dbox")]),
    (r"stream/", [program("glue/test_streams"), ATTACKS,
                                 REFUSALS, e2e("rude")]),
    (r"mail/(open|refuse)", [FAULTS, PLACED, GUARDS, ATTACKS, REFUSALS, POLICY,
                          KEYS, e2e("midway", "not dbox")]),
    (r"mail/(save|copy-share)", [FAULTS, GUARDS, REFUSALS, KEYS,
                          e2e("ring", "not dbox"),
                          POLICY, ATTACKS]),
    (r"mail/(read-errors|sizes)", [e2e("midway", "not dbox"),
                                   e2e("compression", "sdbox")]),
    (r"mail/fetch-hooks", [e2e("fetch_answers", "not dbox")]),
    (r"session/named-object", [POLICY]),
    (r"cache/", CACHE + [e2e("midway", "not dbox"), KEYS,
                                      e2e("large", "sdbox"), ATTACKS, POLICY,
                                      e2e("roundtrip", "sdbox")]),
    (r"keywords/", [e2e("keyring_names"), e2e("keywords", "not dbox"),
                       e2e("spellings", "not dbox")]),
    (r"mail/dbox", [e2e("cache_native", "sdbox"), e2e("compression", "sdbox"),
                    e2e("roundtrip", "sdbox and every_answer")]),
    (r"(mail|session)/", [e2e("silence"), ATTACKS]),
    (r"doveadm/(doctor|doveconf|finding)", [e2e("doctor")]),
    (r"doveadm/(count|keyring-status)", [e2e("status"), e2e("commands"),
                                         e2e("policy", "not dbox")]),
    (r"doveadm/flags-", [e2e("flags_doveadm", "not dbox")]),
    (r"doveadm/(mail-verify|verify-|walk|keyring-policy)", [e2e("verify"),
                                       e2e("faults", "not init"),
                                       e2e("commands"),
                                       e2e("policy", "not dbox"), ATTACKS,
                                       e2e("compression", "verify")]),
    (r"doveadm/keyring-rebind", [e2e("tenants", "not dbox"), e2e("faults")]),
    (r"doveadm/cache-purge", [e2e("faults", "purge or setting"),
                              e2e("silence", "purge or manual")]),
    (r"doveadm/", [e2e("commands"), e2e("faults"), e2e("tenants", "not dbox"),
                   e2e("lost_keyring", "not dbox"), e2e("stock", "scheme"),
                   e2e("policy", "not dbox")]),
    (r"dovecot/ostream-watch", [program("glue/test_ostream_watch"),
                                 program("glue/test_streams")]),
    (r"dovecot/libraries", [e2e("faults", "test_init")]),
    (r"settings/config", [REFUSALS, e2e("pins"),
                                 e2e("faults", "test_init"),
                                 e2e("tenants", "not dbox"),
                                 e2e("owner", "not dbox"), KEYS,
                                 e2e("leaks")]),
    (r"dovecot/", [REFUSALS, ATTACKS, e2e("commands"), KEYS]),
]

# Each entry is (file, condition, why nothing is lost without it).
EQUIVALENT = [
    ("keyfile/store.c", "errno != EINVAL && errno != ENOSYS",
     "link() refuses for the same reason what renameat2() refused"),
    ("core/chunk.c", "total_len < header_len + FRAME_SIZE + ROOST_TAG_SIZE",
     "what is left is less than a tag or has too many chunks"),
    ("core/prim.c", "wrap_len < ROOST_NONCE_SIZE + ROOST_TAG_SIZE",
     "roost_prim_aead_open() refuses what is shorter than a tag, and what is "
     "shorter than a nonce by a length beyond OpenSSL's largest"),
    ("core/token.c", "tc.sealed_len == 0",
     "roost_siv_open() refuses what is no longer than a tag"),
    ("cache/fill.c", "!roost_cache_mail_may_read(mail)",
     "Dovecot refuses to open a message in such a lookup, too, and one that "
     "is open already may be read"),
    ("cache/hooks.c", "cmail->module_ctx.super.precache(mail) < 0",
     "nothing of such a message is cached, so that it is read again for its "
     "body structure, and that fails as well"),
    ("cache/save.c",
     "cmail->module_ctx.super.get_parts(_mail, &parts) < 0 || "
     "save_headers(_mail, parts) < 0",
     "Dovecot has parsed the parts while it wrote, and header lines that "
     "could not be read are no item of the blob: the message is asked"),
    ("keywords/change.c",
     "array_count(&list) == keywords->count && memcmp(array_front(&list), "
     "keywords->idx, /* public */ keywords->count * sizeof(idx)) == 0",
     "the list that is made then is the same as the one that was given"),
    ("keywords/change.c", "kbox->kindex == NULL || keywords->count == 0",
     "a mailbox has an index of keywords once it is open, and no keywords are "
     "changed to no keywords"),
    ("session/user-ring.c",
     "roost_user_namespace_config(ruser, ns, &config, error_r) < 0",
     "roost_user_ring(), called next, needs the same configuration"),
    ("session/user-ring.c",
     "roost_user_renew_ring(ruser, *ring_r, error_r) < 0",
     "a ring that could not be renewed is as it was, and "
     "roost_ring_check_seal() refuses it again"),
    ("settings/config.c", "config_check_path(name, path, error_r) < 0",
     "Dovecot 2.3 tells no path; with 2.4 "
     "test_world_readable_provider_key fails"),
]


class Condition:
    """The condition of one if statement; `at` holds the offsets of its
    parentheses in the file."""

    def __init__(self, name, line, text, at):
        self.name, self.line, self.at = name, line, at
        self.text = " ".join(text.split())

    def __str__(self):
        return f"{self.name}:{self.line}: if ({self.text})"

    def why_equivalent(self):
        """Returns the reason of the entry in EQUIVALENT, or None."""
        return next((why for name, text, why in EQUIVALENT
                     if name == self.name and text == self.text), None)


def closing(text, at):
    """Returns where the parenthesis or brace that opens at a place is
    closed."""
    pair = {"(": ")", "{": "}"}[text[at]]
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == text[at]) - (text[i] == pair)
        if depth == 0:
            return i
    raise ValueError(text[at:at + 60])


def branch_end(text, at):
    """Returns the end of the statement that begins at a place. An else and what
    belongs to it do not count as part of an if."""
    while text[at].isspace():
        at += 1
    if text[at] == "{":
        return closing(text, at)
    if re.match(r"(if|while|for|switch)\b", text[at:]):
        return branch_end(text, closing(text, text.index("(", at)) + 1)
    return text.index(";", at)


def conditions(name):
    """Yields the conditions of one file that lead to an error."""
    with open(os.path.join(TOP, "plugin", name), encoding="utf-8") as file:
        right = file.read()
    text = "\n".join(blanked(right.split("\n")))
    # The conditions in macros are left out.
    text = re.sub(r"^#.*(\\\n.*)*", lambda found: re.sub(
        r"[^\n]", " ", found.group(0)), text, flags=re.M)
    for found in re.finditer(r"\bif \(", text):
        begin = found.end() - 1
        end = closing(text, begin)
        if ERROR.search(right[end + 1:branch_end(text, end + 1) + 1]):
            yield Condition(name, right.count("\n", 0, begin) + 1,
                            right[begin + 1:end], (begin, end))


def every_condition():
    names = sorted(os.path.relpath(os.path.join(folder, name),
                                   os.path.join(TOP, "plugin"))
                   for folder, _, files in os.walk(os.path.join(TOP,
                                                                "plugin"))
                   for name in files if name.endswith(".c"))
    return [condition for name in names if not SKIPPED.search(name)
            for condition in conditions(name)]


def tests_of(name):
    """Returns the commands that test one file of the plugin."""
    if name in core.FILES:
        # The tests of the file itself come first, because they take a second
        # and notice most mutants.
        nearest = [program(f"core/test_{test}")
                   for test in core.FILES[name][0].split()]
        return nearest + TESTS[0][1]
    return next(tests for pattern, tests in TESTS
                if re.search(pattern, name))


class Tree:
    """A copy of the tree that was built once without any mutant."""

    def __init__(self, top):
        self.top = top
        plugin.copied(top)
        done = self.run(["make", "-s", "WERROR=", "all"])
        if done.returncode != 0:
            sys.exit(done.stdout.decode(errors="replace"))

    def run(self, command):
        """What it came to.  A test that goes on for ever has failed; all that
        it started ends with it, also if this program is asked to stop."""
        with subprocess.Popen(command, cwd=self.top, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              start_new_session=True) as process:
            try:
                said, _ = process.communicate(timeout=SECS_MAX)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                said = b""
        return subprocess.CompletedProcess(command, process.returncode, said)

    def noticed_by(self, condition):
        """Takes a condition out and runs the tests. Returns the end of the
        command that failed, "" if none did, or None if the mutant does not
        compile."""
        path = os.path.join(self.top, "plugin", condition.name)
        begin, end = condition.at
        with open(path, encoding="utf-8") as file:
            right = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(right[:begin] + "((" + right[begin + 1:end] +
                       ") && 0)" + right[end + 1:])
        try:
            what = "core" if condition.name.startswith("core/") else "all"
            if self.run(["make", "-s", "WERROR=", what]).returncode != 0:
                return None
            for command in tests_of(condition.name):
                done = self.run(command)
                # The status 5 of pytest says that no test was selected.
                if done.returncode == 5 and command[0] == "tests/e2e/run":
                    sys.exit(done.stdout.decode(errors="replace"))
                if done.returncode != 0:
                    return " ".join(command[-3:])
            return ""
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(right)


def draw(pool, count):
    """Takes out one condition of the pool after another until `count` mutants
    were tested. Returns how many of them no test noticed."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="roost-draw.") as top:
        tree = Tree(top)
        for condition in pool:
            if passed + failed == count:
                break
            why = condition.why_equivalent()
            if why:
                print(f"equivalent {condition}: {why}", flush=True)
                continue
            by = tree.noticed_by(condition)
            if by is None:
                continue
            passed += by != ""
            failed += by == ""
            print(f"ok {condition}: {by}" if by else
                  f"SURVIVED {condition}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(10 ** 6))
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("words", nargs="*", metavar="WORD")
    given = parser.parse_args()
    pool = [condition for condition in every_condition()
            if not given.words or
            any(word in str(condition) for word in given.words)]
    random.Random(given.seed).shuffle(pool)
    print(f"seed {given.seed}, {len(pool)} conditions", flush=True)
    if given.list:
        print("\n".join(map(str, pool)))
        return 0
    return draw(pool, given.count) > 0


if __name__ == "__main__":
    sys.exit(main())

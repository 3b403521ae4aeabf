#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manual: rules about the manual pages and what documents show.

    manual.py RULE          prints a line for each place that breaks the rule
    manual.py --title RULE  prints the rule's title

It must run in the tree's top folder.  What the pages say of settings, commands
and options is compared with the code.
"""
import glob
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import lint  # noqa: E402
import documents  # noqa: E402


def default_rules():
    """Returns {name: default} of the settings of roost_flags."""
    with open("plugin/rules/text.c", encoding="utf-8") as file:
        text = re.search(r"default_rules\[\] =\n(.*?);\n", file.read(),
                         re.S).group(1)
    found = {}
    for word, values in re.findall(r'"(\w+) (.*)\\n"', text):
        found.setdefault("roost_flags_" + word, []).append(values)
    return {name: " ".join(values) for name, values in found.items()}


def page(name):
    with open(f"packaging/man/{name}", encoding="utf-8") as file:
        return file.read()


def rule_manual():
    """manual: the pages describe every setting, with its default"""
    for name, rules in (("roost.7", {}), ("roost-flags.7", default_rules())):
        wanted = {name: rules.get(name, value)
                  for name, value, _ in lint.settings()
                  if name.startswith("roost_flags_") == bool(rules)}
        told = {setting: documents.plain(value).strip() for setting, value
                in re.findall(r'^\.BR (roost_\w+) " =(.*)"$', page(name), re.M)}
        for setting in sorted({*wanted, *told}):
            if wanted.get(setting) != told.get(setting):
                yield (f"packaging/man/{name}: {setting} is "
                       f"{told.get(setting)!r} there and "
                       f"{wanted.get(setting)!r} in the code")


# The usages of commands are texts of these macros and of their own.
USAGE_MACRO = re.compile(r'#define (ROOST_\w+_USAGE) +((?:\s*"[^"]*")+)')
USAGE = re.compile(r'\.name = "(roost [^"]+)",(?:\s*\.\w+ = \w+(?:\(\w+\))?,)*'
                   r'\s*\.usage = ([^,]+(?:,[^,]+)*?),\n')


def usages():
    """Returns {command: usage} of doveadm roost, without what all commands
    take."""
    text = ""
    for path in sorted(glob.glob("plugin/doveadm/*.[ch]")):
        with open(path, encoding="utf-8") as file:
            text += file.read().replace("\\\n", " ")
    macros = {name: "".join(re.findall(r'"([^"]*)"', expression))
              for name, expression in USAGE_MACRO.findall(text)}
    macros["DOVEADM_CMD_MAIL_USAGE_PREFIX"] = ""
    found = {}
    for name, expression in USAGE.findall(text):
        usage = "".join(said or macros.get(macro, macro) for said, macro in
                        re.findall(r'"([^"]*)"|(\w+)', expression)).strip()
        # A command that is also there for users has a second entry.
        found[name] = max(found.get(name, ""), usage, key=len)
    # It only tells how the others are used.
    del found["roost slot"]
    return found


def rule_commands():
    """commands: doveadm-roost(1) has each command with its usage"""
    with open("plugin/doveadm/plugin.c", encoding="utf-8") as file:
        count = file.read().count("cmd_register_ver2(") - 1
    wanted = {f"doveadm {name} {usage}".strip().translate(
        {ord("<"): None, ord(">"): None}) for name, usage in usages().items()}
    if len(wanted) != count:
        yield f"{count} commands are registered, {len(wanted)} were found"
    told = set(re.findall(r"^doveadm roost .*$", "\n".join(
        documents.plain(line[3:]) for line in re.findall(
            r"^\\fBdoveadm roost.*$", page("doveadm-roost.1"), re.M)), re.M))
    for line in sorted(wanted - told):
        yield f"packaging/man/doveadm-roost.1 lacks: {line}"
    for line in sorted(told - wanted):
        yield f"packaging/man/doveadm-roost.1 has, and the code has not: {line}"


def rule_program():
    """program: roost(1) has each command and option of the program"""
    text = documents.plain(page("roost.1"))
    with open("plugin/tool/main.c", encoding="utf-8") as file:
        commands = re.findall(r'^\t\{ "([\w-]+)", (?:NULL|"(\w+)"), \d',
                              file.read(), re.M)
    with open("plugin/tool/options.c", encoding="utf-8") as file:
        options = re.findall(r'^\t\{ "([\w-]+)", \w+_argument', file.read(),
                             re.M)
    if len(commands) < 6 or len(options) < 10:
        yield "the program's commands or options were not found"
    for command in commands:
        if not re.search(rf"^{' '.join(filter(None, command))}\b", text, re.M):
            yield f"packaging/man/roost.1 lacks the command {command}"
    for option in options:
        if not re.search(rf"^(-\w, )?--{option}( |$)", text, re.M):
            yield f"packaging/man/roost.1 lacks the option --{option}"


def rule_pages():
    """pages: mandoc finds nothing wrong with the manual"""
    pages = [path for path in documents.paths() if path.endswith((".1", ".7"))]
    if len(pages) < 4:
        yield f"there are {len(pages)} pages"
    try:
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages],
                              stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        yield "install mandoc"
        return
    yield from done.stdout.splitlines()


# The rooms whose texts reach the log of a server. These files' are told at the
# command line, to clients or by doctor.
LOGGED = ("session", "settings", "mail", "dovecot", "cache", "keywords",
          "flags", "stream", "keyfile")
NOT_LOGGED = {
    "session/ring-change.c", "session/ring-move.c", "session/ring-rebind.c",
    "settings/line.c", "mail/keyring-names.c",
}
# Texts for clients, and what is no text.
NOT_LINES = ("This message ", "What was cached of", "Keywords may not begin",
             "A message may have", "Keyword length too", "A message that looks sealed",
             "%*d: FLOCK", " (WRITE lock held", "')", "* OK [PERM", "NIL NIL",
             "roost has moved messages", "Configuration has no settings")
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*(?:"(?:[^"\\]|\\.)*"|PRI[ux]64|'
                     r'ROOST_[A-Z_]+))*')
CONVERSION = re.compile(r'%[-+0-9.*]*(?:ll|l|z|)[a-zA-Z]?')


def log_texts():
    """Yields (path, text) of each text of at least four words in the code of
    those rooms."""
    for room in LOGGED:
        for path in sorted(glob.glob(f"plugin/{room}/*.c")):
            if path[len("plugin/"):] in NOT_LOGGED:
                continue
            with open(path, encoding="utf-8") as file:
                code = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
            for found in LITERAL.finditer(code):
                text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"',
                                          found.group()))
                if text.count(" ") > 2 and not text.startswith(NOT_LINES):
                    yield path, text


def rule_trouble():
    """trouble: the guide has each line that the code can log"""
    with open("packaging/doc/guide.md", encoding="utf-8") as file:
        chapter = file.read().split("\n## Trouble, by log line\n")[1]
    told = lint.letters(chapter)
    count = 0
    for path, text in log_texts():
        count += 1
        # The longest piece between names and numbers, as far as it tells.
        words = max((lint.letters(piece).split() for piece in
                     CONVERSION.split(text)), key=len)
        if words[:2] == ["roost", "flags"]:
            del words[:2]
        elif words[:1] == ["roost"]:
            del words[0]
        if " ".join(words[:6]) not in told:
            yield f"{path}: the guide has no line \"{text[:70]}\""
    if count < 100:
        yield f"only {count} texts were found"


def rule_targets():
    """targets: what documents have make do, it can"""
    with open("Makefile", encoding="utf-8") as file:
        targets = set(re.findall(r"^([a-z0-9-]+)(?= ?[a-z0-9 -]*:)",
                                 file.read(), re.M))
    for path in (*documents.paths(), ".github/CONTRIBUTING.md"):
        with open(path, encoding="utf-8") as file:
            asked = re.findall(r"(?:^    |`|&& )make ([a-z-]+)", file.read(),
                               re.M)
        for target in sorted(set(asked) - targets):
            yield f"{path}: there is no make {target}"


def rule_documents():
    """documents: each block says how it is run, and a test asks for it"""
    tests = ""
    for path in glob.glob("tests/e2e/test_*.py"):
        with open(path, encoding="utf-8") as file:
            tests += file.read()
    names = set()
    for path, line, kind, name, _ in documents.blocks():
        where = f"{path}:{line}: "
        if kind is None:
            yield where + "no comment before it says how it is run"
        elif kind == "run" and not re.search(
                rf'(?:block|commands)\("{name}"', tests):
            yield where + f"no test asks for {name}"
        elif kind == "run" and name in names:
            yield where + f"{name} is there twice"
        elif kind == "conf" and name.split()[0] not in ("2.3", "2.4", "both"):
            yield where + f"{name}: is it for 2.3, 2.4 or both?"
        if kind == "run":
            names.add(name)


if __name__ == "__main__":
    sys.exit(lint.main(globals()))

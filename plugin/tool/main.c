/* SPDX-License-Identifier: MIT */
/*
 * main: the program `roost`, which reads sealed mail without Dovecot.  This
 * file finds the command; say.h says what the room is made of.
 */
#include "tool/commands.h"

#include "roost/prim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

extern const char roost_version[];

struct command {
	const char *name, *second;	/* second: of a name of two words */
	unsigned int arg_count;
	const char *allowed;		/* letters of options.c */
	enum roost_status (*run)(const struct roost_options *options);
};

static const struct command commands[] = {
	{ "cat", NULL, 1, "kpwrefdoz", roost_cat_command },
	{ "extract", NULL, 2, "kpwrefdotxz", roost_extract_command },
	{ "verify", NULL, 1, "kpwrefdolxz", roost_verify_command },
	{ "check-backup", NULL, 1, "kpwrefdoz", roost_check_backup_command },
	{ "keyring", "show", 1, "pwrefdo", roost_keyring_show_command },
	{ "keygen", NULL, 1, "", roost_keygen_command },
};

static const char usage[] =
"usage: roost COMMAND [OPTION ...]\n"
"\n"
"  cat FILE[:OFFSET]                 one stored message, opened, to stdout\n"
"  extract DIR --to maildir|mbox OUT all mail of a backup into a new folder\n"
"  verify DIR [--keyless]            does each message open; or its digest\n"
"  check-backup DIR                  do mail, keyring and provider key belong\n"
"                                    together, and what would be missing?\n"
"  keyring show FILE                 what a keyring says of itself\n"
"  keygen FILE                       a key pair for escrow slots: FILE is the\n"
"                                    private key, FILE.pub the public one\n"
"\n"
"What opens the keyring:\n"
"  -k, --keyring FILE       the keyring; else DIR/roost.keyring, or the one\n"
"                           in the folder above DIR\n"
"  -p, --provider-key FILE  the provider key; a login password needs it, too\n"
"      --recovery-code      ask for the recovery code\n"
"      --password           ask for the login password or an app password\n"
"      --escrow-key FILE    the private key of an escrow slot\n"
"      --secret-file FILE   read code or password from a file,\n"
"      --secret-fd N        or from a descriptor, and not from the terminal\n"
"      --owner NAME         refuse the keyring of somebody else\n"
"\n"
"      --plaintext          take messages that are not sealed although the\n"
"                           keyring's policy is that all are, or\n"
"                           no provider key authenticates the policy\n"
"      --compressed         leave messages compressed that Dovecot stored so\n"
"\n"
"Lines on stdout name what could not be had: path, UID or 0, reason,\n"
"sentence.  Status: 0 all of it, 1 not all messages, 2 usage, 3 the keyring\n"
"does not open, 4 nothing could be done, 5 ended by a signal.\n";

static enum roost_status
usage_fail(void)
{
	(void)fputs(usage, stderr);
	return ROOST_STATUS_USAGE;
}

static enum roost_status
command_run(const struct command *command, int argc, char **argv)
{
	struct roost_options options;
	enum roost_status status;

	if (!roost_options_read(&options, command->allowed, argc, argv))
		return ROOST_STATUS_USAGE;
	if (options.arg_count != command->arg_count) {
		roost_say("%s needs %u %s and got %u; `roost help` shows "
			  "how it is called", command->name,
			  command->arg_count, command->arg_count == 1 ?
			  "argument" : "arguments", options.arg_count);
		return ROOST_STATUS_USAGE;
	}
	if (roost_prim_init() != ROOST_OK) {
		roost_say("The libraries of cryptography cannot be used");
		return ROOST_STATUS_FAILED;
	}
	status = command->run(&options);
	roost_prim_deinit();
	if (fflush(stdout) == EOF || ferror(stdout) != 0) {
		roost_say("Cannot write to stdout");
		return ROOST_STATUS_FAILED;
	}
	return status;
}

/* Keys and mail are in memory: no core image, and no file for others. */
static void
process_guard(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(077);
	roost_say_catch_signals();
}

static bool
is_called(const struct command *command, int argc, char **argv)
{
	return strcmp(argv[1], command->name) == 0 &&
		(command->second == NULL ||
		 (argc > 2 && strcmp(argv[2], command->second) == 0));
}

int
main(int argc, char **argv)
{
	size_t i;

	process_guard();
	if (argc < 2)
		return usage_fail();
	if (strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[argc - 1], "--help") == 0)
		return fputs(usage, stdout) == EOF ? ROOST_STATUS_FAILED :
			ROOST_STATUS_OK;
	if (strcmp(argv[1], "--version") == 0)
		return puts(roost_version) == EOF ? ROOST_STATUS_FAILED :
			ROOST_STATUS_OK;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int skip = commands[i].second == NULL ? 1 : 2;

		if (is_called(&commands[i], argc, argv))
			return (int)command_run(&commands[i], argc - skip,
						argv + skip);
	}
	roost_say("There is no command %s", roost_say_name(argv[1]));
	return usage_fail();
}

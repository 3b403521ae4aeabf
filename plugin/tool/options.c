/* SPDX-License-Identifier: MIT */
/*
 * options: reading a command line.  See options.h.
 */
#define _GNU_SOURCE
#include "tool/options.h"

#include "tool/say.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The letters stand in the commands' lists of what they take. */
static const struct option known[] = {
	{ "keyring", required_argument, NULL, 'k' },
	{ "provider-key", required_argument, NULL, 'p' },
	{ "password", no_argument, NULL, 'w' },
	{ "recovery-code", no_argument, NULL, 'r' },
	{ "escrow-key", required_argument, NULL, 'e' },
	{ "secret-file", required_argument, NULL, 'f' },
	{ "secret-fd", required_argument, NULL, 'd' },
	{ "owner", required_argument, NULL, 'o' },
	{ "to", required_argument, NULL, 't' },
	{ "keyless", no_argument, NULL, 'l' },
	{ "plaintext", no_argument, NULL, 'x' },
	{ "compressed", no_argument, NULL, 'z' },
	{ NULL, 0, NULL, 0 },
};

static const char *
name_of(int letter)
{
	const struct option *option = known;

	while (option->name != NULL && option->val != letter)
		option++;
	return option->name == NULL ? "?" : option->name;
}

static bool
kind_set(struct roost_options *options, enum roost_secret_kind kind)
{
	if (options->kind != ROOST_SECRET_NONE && options->kind != kind) {
		roost_say("Only one of --password, --recovery-code and "
			  "--escrow-key can open the keyring: name one");
		return false;
	}
	options->kind = kind;
	return true;
}

static bool
provider_key_add(struct roost_options *options, const char *path)
{
	if (options->provider_key_count == ROOST_OPTIONS_PROVIDER_KEYS_MAX) {
		roost_say("--provider-key can be given %u times at most",
			  ROOST_OPTIONS_PROVIDER_KEYS_MAX);
		return false;
	}
	options->provider_keys[options->provider_key_count++] = path;
	return true;
}

static bool
fd_set_from(struct roost_options *options, const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || fd > 65535) {
		roost_say("--secret-fd needs the number of a descriptor, as "
			  "in --secret-fd 3 3<FILE");
		return false;
	}
	options->secret_fd = (int)fd;
	return true;
}

static bool
to_set(struct roost_options *options, const char *text)
{
	if (strcmp(text, "maildir") != 0 && strcmp(text, "mbox") != 0) {
		roost_say("--to takes maildir or mbox");
		return false;
	}
	options->to = text;
	return true;
}

static bool
option_take(struct roost_options *options, int letter, const char *value)
{
	switch (letter) {
	case 'k':
		options->keyring = value;
		return true;
	case 'p':
		return provider_key_add(options, value);
	case 'w':
		return kind_set(options, ROOST_SECRET_PASSWORD);
	case 'r':
		return kind_set(options, ROOST_SECRET_RECOVERY);
	case 'e':
		options->escrow_key = value;
		return kind_set(options, ROOST_SECRET_ESCROW);
	case 'f':
		options->secret_file = value;
		return true;
	case 'd':
		return fd_set_from(options, value);
	case 'o':
		options->owner = value;
		return true;
	case 't':
		return to_set(options, value);
	case 'l':
		options->is_keyless = true;
		return true;
	case 'z':
		options->keeps_packed = true;
		return true;
	default:
		options->takes_plaintext = true;
		return true;
	}
}

/* Do the options go together? */
static bool
options_check(const struct roost_options *options)
{
	bool is_typed = options->kind == ROOST_SECRET_PASSWORD ||
		options->kind == ROOST_SECRET_RECOVERY;
	bool is_given = options->secret_file != NULL ||
		options->secret_fd >= 0;

	if (options->secret_file != NULL && options->secret_fd >= 0) {
		roost_say("--secret-file and --secret-fd both say where the "
			  "secret is: give one");
		return false;
	}
	if (is_given && !is_typed) {
		roost_say("Say by --password or --recovery-code what kind of "
			  "secret it is");
		return false;
	}
	if (options->is_keyless && options->kind != ROOST_SECRET_NONE) {
		roost_say("--keyless uses no key: leave the secret away, or "
			  "--keyless");
		return false;
	}
	if (options->is_keyless && options->keeps_packed) {
		roost_say("--keyless opens no message, so that none is "
			  "decompressed: leave --compressed away");
		return false;
	}
	return true;
}

bool
roost_options_read(struct roost_options *options_r, const char *allowed,
		   int argc, char **argv)
{
	int letter;

	memset(options_r, 0, sizeof(*options_r));
	options_r->secret_fd = -1;
	/* Our own sentences; and getopt() may have been used before. */
	opterr = 0;
	optind = 0;
	while ((letter = getopt_long(argc, argv, ":k:p:", known, NULL)) != -1) {
		if (letter == '?' || letter == ':') {
			/* The value of such an option is not repeated. */
			roost_say("The option %.*s is not known, or lacks "
				  "its value, or takes none",
				  (int)strcspn(argv[optind - 1], "="),
				  roost_say_name(argv[optind - 1]));
			return false;
		}
		if (strchr(allowed, letter) == NULL) {
			roost_say("The option --%s makes no sense for this "
				  "command", name_of(letter));
			return false;
		}
		if (!option_take(options_r, letter, optarg))
			return false;
	}
	options_r->args = (const char *const *)&argv[optind];
	options_r->arg_count = (unsigned int)(argc - optind);
	return options_check(options_r);
}

/* SPDX-License-Identifier: MIT */
/*
 * verify: `roost verify DIR [--keyless]`: does every message of a backup open;
 * or, without any key, is it as whole as when it was written?
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct verify {
	const struct roost_keys *keys;	/* NULL: digests only */
	bool keeps_packed;
	struct roost_tally tally;
};

static int
verify_message(void *context, struct roost_tree_message *msg)
{
	struct verify *verify = context;
	struct roost_message message;

	if (verify->keys == NULL)
		roost_message_scrub(NULL, &msg->stored, &message);
	else
		roost_message_open(verify->keys, &msg->stored,
				   verify->keeps_packed, NULL, &message);
	if (msg->has_attachments)
		roost_tally_bad(&verify->tally, msg, "attachments",
				"attachments of it lie in files of their "
				"own, which this program does not read");
	else
		(void)roost_tally_count(&verify->tally, msg, &message);
	return 0;
}

static void
verify_trouble(void *context, const char *path, const char *what,
	       bool is_lost)
{
	struct verify *verify = context;

	roost_tally_trouble(&verify->tally, path, what, is_lost);
}

static enum roost_status
mail_verify(struct verify *verify, const char *top)
{
	const struct roost_tree_visitor visitor = {
		.message = verify_message, .trouble = verify_trouble,
		.context = verify
	};
	struct roost_tree_seen seen;

	if (roost_tree_walk(top, &visitor, &seen) < 0) {
		roost_say("Cannot open the folder %s: %s",
			  roost_say_name(top), strerror(errno));
		return ROOST_STATUS_FAILED;
	}
	roost_tally_say(&verify->tally, verify->keys == NULL ?
			"Digests compared" : "Opened");
	if (seen.formats == 0) {
		roost_say("There is no mail in %s: no cur or new, no "
			  "dbox-Mails and no storage", roost_say_name(top));
		return ROOST_STATUS_FAILED;
	}
	return roost_tally_status(&verify->tally);
}

static enum roost_status
keys_verify(struct verify *verify, struct roost_keys *keys,
	    const struct roost_options *options)
{
	char *path = roost_keys_find(options, options->args[0]);
	enum roost_status status = ROOST_STATUS_KEY;

	if (path != NULL)
		status = roost_keys_load(keys, options, path);
	if (status == ROOST_STATUS_OK)
		status = roost_keys_unlock(keys, options);
	if (status == ROOST_STATUS_OK) {
		verify->keys = keys;
		verify->keeps_packed = options->keeps_packed;
		verify->tally.takes_plaintext = options->takes_plaintext ||
			roost_keys_take_plaintext(keys);
		status = mail_verify(verify, options->args[0]);
	}
	free(path);
	return status;
}

enum roost_status
roost_verify_command(const struct roost_options *options)
{
	struct roost_keys keys = { NULL, NULL, NULL, NULL };
	struct verify *verify = calloc(1, sizeof(*verify));
	enum roost_status status;

	if (verify == NULL) {
		roost_say("There is not enough memory");
		return ROOST_STATUS_FAILED;
	}
	if (options->is_keyless) {
		verify->tally.takes_plaintext = true;
		status = mail_verify(verify, options->args[0]);
	} else {
		status = keys_verify(verify, &keys, options);
	}
	roost_keys_close(&keys);
	free(verify);
	return status;
}

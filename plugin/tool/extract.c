/* SPDX-License-Identifier: MIT */
/*
 * extract: `roost extract DIR --to maildir|mbox OUT`: all mail of a backup, in
 * clear.
 *
 * A message is written as its chunks verify, under a name that nobody looks at,
 * and gets its own name when all of it did.  One that does not open is listed,
 * and the others go on.
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/output.h"
#include "tool/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct extract {
	const struct roost_keys *keys;
	struct roost_output *output;
	bool keeps_packed;
	struct roost_tally tally;
};

static int
extract_folder(void *context, const struct roost_tree_folder *folder)
{
	struct extract *extract = context;

	/* Messages of a mailbox that cannot be made are listed one by one. */
	(void)roost_output_folder(extract->output, folder);
	return 0;
}

/* Write a message that the output has begun; what may not stay is taken away
   again. */
static void
message_write(struct extract *extract, struct roost_tree_message *msg)
{
	const struct roost_message_sink sink = {
		roost_output_add, extract->output
	};
	struct roost_message message;
	bool is_good;

	roost_message_open(extract->keys, &msg->stored, extract->keeps_packed,
			   &sink, &message);
	is_good = message.kind == ROOST_MESSAGE_SEALED ||
		(message.kind == ROOST_MESSAGE_PLAINTEXT &&
		 extract->tally.takes_plaintext);
	if (!is_good)
		roost_output_cancel(extract->output);
	else if (roost_output_finish(extract->output, msg) < 0)
		message.kind = ROOST_MESSAGE_NO_OUTPUT;
	(void)roost_tally_count(&extract->tally, msg, &message);
}

static int
extract_message(void *context, struct roost_tree_message *msg)
{
	struct extract *extract = context;

	if (msg->has_attachments)
		roost_tally_bad(&extract->tally, msg, "attachments",
				"attachments of it lie in files of their "
				"own, which this program does not read");
	else if (roost_output_begin(extract->output, msg) < 0)
		roost_tally_bad(&extract->tally, msg, "output",
				"its mailbox cannot be written");
	else
		message_write(extract, msg);
	return roost_output_is_full(extract->output) ? -1 : 0;
}

static void
extract_trouble(void *context, const char *path, const char *what,
		bool is_lost)
{
	struct extract *extract = context;

	roost_tally_trouble(&extract->tally, path, what, is_lost);
}

/* Say what the backup could not tell. */
static void
losses_say(const struct extract *extract, const struct roost_tree_seen *seen)
{
	unsigned int tokens = roost_output_tokens(extract->output);
	unsigned int nameless = roost_output_nameless(extract->output);

	if (seen->lacks_index)
		roost_say("Some of Dovecot's indexes of sdbox or mdbox are "
			  "lost or broken, and with them the flags, keywords "
			  "and UIDs of their messages");
	if (seen->lacks_index && (seen->formats & ROOST_TREE_MDBOX) != 0)
		roost_say("A message of mdbox whose mailboxes are not known "
			  "lies in the one that it was first saved in: "
			  "copies and moves are lost, and messages that were "
			  "deleted and not purged yet are there again");
	if (seen->unreferenced > 0)
		roost_say("%llu messages of mdbox are in no mailbox any more, "
			  "most of them deleted and not purged yet: they lie "
			  "in %s", (unsigned long long)seen->unreferenced,
			  ROOST_TREE_UNREFERENCED);
	if (tokens > 0)
		roost_say("%u names of keywords stay tokens: the provider "
			  "key opens them", tokens);
	if (nameless > 0)
		roost_say("%u times a message has a keyword that "
			  "dovecot-keywords does not name: it is lost",
			  nameless);
}

static enum roost_status
mail_extract(struct extract *extract, const char *top)
{
	struct roost_tree_visitor visitor = {
		.folder = extract_folder, .message = extract_message,
		.trouble = extract_trouble, .context = extract,
		.has_skipped = true
	};
	struct roost_tree_seen seen;
	struct stat st;

	roost_output_stat(extract->output, &st);
	visitor.skipped_dev = st.st_dev;
	visitor.skipped_ino = st.st_ino;
	if (roost_tree_walk(top, &visitor, &seen) < 0) {
		roost_say("Cannot open the folder %s: %s",
			  roost_say_name(top), strerror(errno));
		return ROOST_STATUS_FAILED;
	}
	roost_tally_say(&extract->tally, "Extracted");
	losses_say(extract, &seen);
	if (roost_output_is_full(extract->output))
		return ROOST_STATUS_FAILED;
	if (seen.formats == 0) {
		roost_say("There is no mail in %s: no cur or new, no "
			  "dbox-Mails and no storage", roost_say_name(top));
		return ROOST_STATUS_FAILED;
	}
	return roost_tally_status(&extract->tally);
}

static enum roost_status
output_extract(struct roost_keys *keys, const struct roost_options *options)
{
	struct extract *extract = calloc(1, sizeof(*extract));
	enum roost_status status = ROOST_STATUS_FAILED;

	if (extract == NULL) {
		roost_say("There is not enough memory");
		return status;
	}
	extract->keys = keys;
	extract->keeps_packed = options->keeps_packed;
	extract->tally.takes_plaintext = options->takes_plaintext ||
		roost_keys_take_plaintext(keys);
	extract->output = roost_output_new(options->args[1],
					   strcmp(options->to, "mbox") == 0,
					   keys);
	if (extract->output != NULL) {
		status = mail_extract(extract, options->args[0]);
		if (roost_output_close(&extract->output) < 0)
			status = ROOST_STATUS_FAILED;
	}
	free(extract);
	return status;
}

enum roost_status
roost_extract_command(const struct roost_options *options)
{
	struct roost_keys keys = { NULL, NULL, NULL, NULL };
	enum roost_status status;
	char *path;

	if (options->to == NULL) {
		roost_say("Say by --to maildir or --to mbox how the mail is "
			  "to be written");
		return ROOST_STATUS_USAGE;
	}
	path = roost_keys_find(options, options->args[0]);
	if (path == NULL)
		return ROOST_STATUS_KEY;
	status = roost_keys_load(&keys, options, path);
	if (status == ROOST_STATUS_OK)
		status = roost_keys_unlock(&keys, options);
	if (status == ROOST_STATUS_OK)
		status = output_extract(&keys, options);
	roost_keys_close(&keys);
	free(path);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * tally: counting and listing messages.  See tally.h.
 */
#include "tool/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
bad_list(const char *path, uint32_t uid, const char *reason,
	 const char *sentence)
{
	/* The progress on stderr goes away first. */
	roost_say_progress(1, 1);
	(void)printf("%s\t%u\t%s\t%s\n", roost_say_name(path), uid, reason,
		     sentence);
	(void)fflush(stdout);
}

void
roost_tally_bad(struct roost_tally *tally,
		const struct roost_tree_message *msg, const char *reason,
		const char *sentence)
{
	tally->bad++;
	tally->others++;
	bad_list(msg->path, msg->uid, reason, sentence);
}

static void
refused_count(struct roost_tally *tally, const struct roost_tree_message *msg,
	      const struct roost_message *message)
{
	char why[ROOST_MESSAGE_WHY_SIZE];
	const char *reason = message->kind == ROOST_MESSAGE_REFUSED ?
		roost_err_name(message->err) :
		message->kind == ROOST_MESSAGE_OTHER ? "mail-crypt" :
		message->kind == ROOST_MESSAGE_NO_OUTPUT ? "output" : "io";

	roost_message_why(message, why);
	tally->bad++;
	if (message->kind == ROOST_MESSAGE_REFUSED)
		tally->errs[message->err]++;
	else
		tally->others++;
	bad_list(msg->path, msg->uid, reason, why);
}

/* What compression has left of a message that was taken. */
static bool
packed_count(struct roost_tally *tally, const struct roost_tree_message *msg,
	     const struct roost_message *message)
{
	char why[ROOST_MESSAGE_WHY_SIZE];

	if (message->packed == ROOST_UNPACK_NONE)
		return true;
	if (!roost_message_is_plain(message, why)) {
		tally->stuck++;
		bad_list(msg->path, msg->uid, "compressed", why);
		return false;
	}
	if (message->is_unpacked)
		tally->unpacked++;
	else
		tally->kept++;
	return true;
}

static bool
plaintext_count(struct roost_tally *tally,
		const struct roost_tree_message *msg,
		const struct roost_message *message)
{
	tally->plaintext++;
	if (tally->takes_plaintext)
		return packed_count(tally, msg, message);
	roost_tally_bad(tally, msg, "plaintext", "it is not sealed, though "
			"the keyring's policy is that all mail is, or cannot "
			"be believed without the provider key: somebody may "
			"have put it there; --plaintext takes such messages");
	return false;
}

bool
roost_tally_count(struct roost_tally *tally,
		  const struct roost_tree_message *msg,
		  const struct roost_message *message)
{
	if (message->kind == ROOST_MESSAGE_PLAINTEXT)
		return plaintext_count(tally, msg, message);
	if (message->kind != ROOST_MESSAGE_SEALED) {
		refused_count(tally, msg, message);
		return false;
	}
	tally->sealed++;
	if (message->epoch <= ROOST_KEYRING_EPOCHS_MAX)
		tally->epochs[message->epoch]++;
	return packed_count(tally, msg, message);
}

void
roost_tally_trouble(void *context, const char *path, const char *what,
		    bool is_lost)
{
	struct roost_tally *tally = context;

	if (!is_lost) {
		roost_say("%s: %s", roost_say_name(path), what);
		return;
	}
	tally->troubles++;
	bad_list(path, 0, "damaged", what);
}

static void
reasons_say(const struct roost_tally *tally)
{
	unsigned int err;

	for (err = 0; err < ROOST_ERR_COUNT; err++) {
		if (tally->errs[err] > 0)
			roost_say("  %" PRIu64 " because %s [%s]",
				  tally->errs[err],
				  roost_err_phrase((enum roost_err)err),
				  roost_err_name((enum roost_err)err));
	}
	if (tally->others > 0)
		roost_say("  %" PRIu64 " for the reason that their lines name",
			  tally->others);
}

static void
packed_say(const struct roost_tally *tally)
{
	if (tally->unpacked > 0)
		roost_say("  %" PRIu64 " were compressed before they were "
			  "stored, and decompress to their end",
			  tally->unpacked);
	if (tally->kept > 0)
		roost_say("  %" PRIu64 " begin as compressed data does, and "
			  "stay as they stand", tally->kept);
	if (tally->stuck > 0)
		roost_say("  %" PRIu64 " begin as compressed data does and "
			  "do not decompress: they are handed out as they "
			  "stand", tally->stuck);
}

void
roost_tally_say(const struct roost_tally *tally, const char *done)
{
	unsigned int epoch;

	roost_say("%s: %" PRIu64 " sealed messages and %" PRIu64
		  " that are not sealed; not to be had: %" PRIu64
		  " messages and %" PRIu64 " parts of the backup", done,
		  tally->sealed, tally->plaintext, tally->bad,
		  tally->troubles);
	for (epoch = 1; epoch <= ROOST_KEYRING_EPOCHS_MAX; epoch++) {
		if (tally->epochs[epoch] > 0)
			roost_say("  %" PRIu64 " sealed to epoch %u",
				  tally->epochs[epoch], epoch);
	}
	reasons_say(tally);
	packed_say(tally);
}

enum roost_status
roost_tally_status(const struct roost_tally *tally)
{
	return roost_say_is_stopped() ? ROOST_STATUS_STOPPED :
		tally->bad + tally->troubles + tally->stuck > 0 ?
		ROOST_STATUS_SOME :
		ROOST_STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * check-backup: `roost check-backup DIR`: do this mail, this keyring and this
 * provider key belong together, which messages would not open, and what would
 * be missing in a restore?
 *
 * With a secret every message is opened, without one its digest is compared and
 * its header asked for whose keys it is sealed to.
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/tally.h"

#include "roost/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct roost_keys keys;
	struct roost_tally tally;
	bool is_missing;	/* something that a restore needs */
	bool keeps_packed;
};

/* One line of the report: a part, its state, and what that means. */
static void
part_print(const char *part, const char *state, const char *sentence)
{
	(void)printf("%s\t%s\t%s\n", part, state, sentence);
}

static void
missing_print(struct check *check, const char *part, const char *sentence)
{
	check->is_missing = true;
	part_print(part, "missing", sentence);
}

static int
check_message(void *context, struct roost_tree_message *msg)
{
	struct check *check = context;
	struct roost_message message;

	if (check->keys.open != NULL)
		roost_message_open(&check->keys, &msg->stored,
				   check->keeps_packed, NULL, &message);
	else
		roost_message_scrub(check->keys.keyring == NULL ? NULL :
				    &check->keys, &msg->stored, &message);
	if (msg->has_attachments)
		roost_tally_bad(&check->tally, msg, "attachments",
				"attachments of it lie in files of their "
				"own, which must be in the backup, too");
	else
		(void)roost_tally_count(&check->tally, msg, &message);
	return 0;
}

static void
check_trouble(void *context, const char *path, const char *what, bool is_lost)
{
	struct check *check = context;

	roost_tally_trouble(&check->tally, path, what, is_lost);
}

/* Load the keyring with the provider key; where that does not belong to it,
   without, so that the mail can still be compared with it. */
static void
keyring_check(struct check *check, const struct roost_options *options,
	      const char *path)
{
	struct roost_options without = *options;
	enum roost_status status = roost_keys_load(&check->keys, options,
						   path);

	if (status != ROOST_STATUS_OK && options->provider_key_count > 0) {
		roost_keys_close(&check->keys);
		without.provider_key_count = 0;
		status = roost_keys_load(&check->keys, &without, path);
		if (status == ROOST_STATUS_OK)
			missing_print(check, "provider key", "the one that "
				      "was given does not belong to this "
				      "keyring; back up the right one, apart "
				      "from the mail");
	}
	if (status != ROOST_STATUS_OK) {
		roost_keys_close(&check->keys);
		missing_print(check, "keyring", "it does not load: without "
			      "another copy of it no sealed message opens");
		return;
	}
	part_print("keyring", "good", check->keys.keyring->owner);
	if (check->keys.host_key != NULL)
		part_print("provider key", "good", "it belongs to the "
			   "keyring");
	else if (options->provider_key_count == 0)
		part_print("provider key", "not checked", "none was given: "
			   "without it no mail is delivered after a restore, "
			   "login passwords open nothing and names of "
			   "keywords stay tokens");
}

/* What would open the keyring if the provider key, or the user's secrets, were
   lost? */
static void
slots_check(const struct roost_keyring *kr)
{
	bool has_provider = roost_keyring_has_slot(kr, ROOST_SLOT_PROVIDER);
	bool has_own = roost_keyring_has_slot(kr, ROOST_SLOT_RECOVERY) ||
		roost_keyring_has_slot(kr, ROOST_SLOT_APP) ||
		roost_keyring_has_slot(kr, ROOST_SLOT_ESCROW);
	char slots[ROOST_KEYS_SLOTS_SIZE];

	roost_keys_slots(kr, slots);
	part_print("slots", "good", slots);
	if (!has_own)
		part_print("slots", "warning", "nothing but the provider key, "
			   "or a password together with it, opens this "
			   "keyring: if that key is lost, so is the mail; "
			   "add a recovery code");
	else if (!has_provider)
		part_print("slots", "note", "the provider key does not open "
			   "this keyring: the user's own secrets do");
}

static void
unlock_check(struct check *check, const struct roost_options *options)
{
	if (!roost_keys_can_unlock(&check->keys, options)) {
		part_print("unlocking", "not checked", "no secret was given: "
			   "messages are compared with their digests only");
		return;
	}
	if (roost_keys_unlock(&check->keys, options) == ROOST_STATUS_OK)
		part_print("unlocking", "good", "the secret opens the "
			   "keyring");
	else
		missing_print(check, "unlocking", "the secret does not open "
			      "the keyring");
}

static void
seen_check(struct check *check, const struct roost_tree_seen *seen)
{
	if (seen->formats == 0)
		missing_print(check, "mail", "there is none: no cur or new, "
			      "no dbox-Mails and no storage");
	if (seen->lacks_uidlist)
		missing_print(check, "UIDs", "a mailbox of maildir has no "
			      "dovecot-uidlist, or a broken one: clients "
			      "will load its messages anew");
	if ((seen->formats & ROOST_TREE_MAILDIR) != 0 && !seen->has_keywords)
		part_print("keywords", "note", "no mailbox of maildir has "
			   "dovecot-keywords: if users had keywords, their "
			   "names are missing");
	if (seen->lacks_index)
		missing_print(check, "flags", "a mailbox of sdbox or mdbox "
			      "has no dovecot.index, or a broken one: its "
			      "flags, keywords and UIDs are missing, and of "
			      "mdbox the mailboxes of copied and moved "
			      "messages");
}

static void
mail_print(const struct roost_tally *tally)
{
	char sentence[300];

	(void)snprintf(sentence, sizeof(sentence), "%" PRIu64 " sealed, %"
		       PRIu64 " not sealed, %" PRIu64 " not to be had, %"
		       PRIu64 " that do not decompress, %" PRIu64
		       " damaged parts", tally->sealed, tally->plaintext,
		       tally->bad, tally->stuck, tally->troubles);
	part_print("mail", tally->bad + tally->troubles + tally->stuck == 0 ?
		   "good" : "damaged", sentence);
}

static enum roost_status
backup_check(struct check *check, const struct roost_options *options,
	     const char *path)
{
	const struct roost_tree_visitor visitor = {
		.message = check_message, .trouble = check_trouble,
		.context = check
	};
	struct roost_tree_seen seen;
	enum roost_status status;

	check->keeps_packed = options->keeps_packed;
	keyring_check(check, options, path);
	if (check->keys.keyring != NULL) {
		slots_check(check->keys.keyring);
		unlock_check(check, options);
		check->tally.takes_plaintext =
			check->keys.keyring->policy == ROOST_POLICY_OPEN;
	}
	if (roost_tree_walk(options->args[0], &visitor, &seen) < 0) {
		roost_say("Cannot open the folder %s: %s",
			  roost_say_name(options->args[0]), strerror(errno));
		return ROOST_STATUS_FAILED;
	}
	mail_print(&check->tally);
	seen_check(check, &seen);
	roost_tally_say(&check->tally, check->keys.open != NULL ? "Opened" :
			"Digests compared");
	status = roost_tally_status(&check->tally);
	return status == ROOST_STATUS_OK && check->is_missing ?
		ROOST_STATUS_SOME : status;
}

enum roost_status
roost_check_backup_command(const struct roost_options *options)
{
	char *path = roost_keys_find(options, options->args[0]);
	struct check *check = calloc(1, sizeof(*check));
	enum roost_status status = ROOST_STATUS_KEY;

	if (path != NULL && check != NULL)
		status = backup_check(check, options, path);
	if (check != NULL)
		roost_keys_close(&check->keys);
	free(check);
	free(path);
	return status;
}

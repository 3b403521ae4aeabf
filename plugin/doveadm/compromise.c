/* SPDX-License-Identifier: MIT */
/*
 * compromise: a new master key.  See compromise.h.
 */
#include "doveadm/compromise.h"

#include "ioloop.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

struct compromise {
	struct roost_slots_command *cmd;
	struct roost_target *target;
	uint32_t leaked;
	const struct roost_ring_secret *opener;	/* NULL: the provider slot */
	uint32_t opened_by;
	struct roost_fresh *password, *recovery;	/* NULL: none */
	struct roost_keyring *before;		/* as it was */
};

/* -- which slots stay -- */

static bool
slot_stays(const struct compromise *com, const struct roost_slot *slot)
{
	if (slot->number == com->leaked)
		return FALSE;
	/* A new password takes the old one's place. */
	if (slot->type == ROOST_SLOT_PASSWORD && com->password != NULL)
		return FALSE;
	return slot->type == ROOST_SLOT_PROVIDER ||
		slot->type == ROOST_SLOT_ESCROW ||
		slot->number == com->opened_by;
}

/* Can anybody but who holds an escrow key open it afterwards? */
static bool
is_usable(const struct compromise *com)
{
	unsigned int i;

	if (com->password != NULL || com->recovery != NULL)
		return TRUE;
	for (i = 0; i < com->before->slot_count; i++) {
		if (com->before->slots[i].type != ROOST_SLOT_ESCROW &&
		    slot_stays(com, &com->before->slots[i]))
			return TRUE;
	}
	return FALSE;
}

/* Name the slots that stay, or those that fall; the number of them. */
static unsigned int
name_slots(const struct compromise *com, bool stay, string_t *str)
{
	unsigned int i, count = 0;

	for (i = 0; i < com->before->slot_count; i++) {
		const struct roost_slot *slot = &com->before->slots[i];

		if (slot_stays(com, slot) != stay)
			continue;
		str_printfa(str, "%s%s", count++ == 0 ? "" : ", ",
			    roost_slots_phrase(slot));
	}
	if (count == 0)
		str_append(str, "none");
	return count;
}

static const char *
compromise_text(const struct compromise *com)
{
	string_t *str = t_str_new(512);

	str_append(str, "The keyring gets a new master key and a new epoch, "
		   "to which new mail is sealed. These slots stay: ");
	(void)name_slots(com, TRUE, str);
	str_append(str, ". These fall, because they leaked or their secrets "
		   "are not at hand; their secrets open nothing any more: ");
	(void)name_slots(com, FALSE, str);
	str_append(str, com->recovery != NULL ?
		   ". A new recovery code is made" :
		   ". No new recovery code is made: --recovery makes one");
	str_append(str, ". Sessions that are logged in go on reading what they "
		   "could; for new mail some have to log in again. The host "
		   "key stays, and with it the names of keywords. Mail from "
		   "before stays sealed to the old epochs until doveadm roost "
		   "reseal moves it. Backups and snapshots made before stay "
		   "open to whoever has what leaked.");
	return str_c(str);
}

/* -- the change -- */

static uint32_t
last_number(const struct roost_keyring *kr)
{
	return kr->slots[kr->slot_count - 1].number;
}

/* Make a slot again, under the new master key. */
static enum roost_err
slot_again(const struct compromise *com, const struct roost_slot *old,
	   struct roost_ring_edit *edit)
{
	struct roost_argon2_cost cost = roost_keyring_slot_cost(old);
	struct roost_slot_new slot = {
		.type = old->type, .now = (uint64_t)ioloop_time,
		.public_key = old->public_key,
	};
	const struct roost_ring_secret *opener = com->opener;

	if (opener != NULL)
		slot.secret = old->type == ROOST_SLOT_RECOVERY ?
			opener->code : opener->hash;
	(void)roost_slot_cost_raise(&cost, &com->target->config->argon2);
	slot.t = cost.t;
	slot.m_kib = cost.m_kib;
	return roost_keyring_add_slot(edit->kr, edit->host_key, edit->master,
				      &slot);
}

/* Does what is at hand open the slot that was added last? */
static enum roost_err
prove_last(const struct roost_ring_edit *edit,
	   const struct roost_ring_secret *secret)
{
	const struct roost_keyring *kr = edit->kr;
	const struct roost_slot *slot = &kr->slots[kr->slot_count - 1];
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;

	if (slot->type == ROOST_SLOT_ESCROW)
		return ROOST_OK;
	err = roost_ring_secret_open_slot(kr, slot->number, edit->host_key,
					  secret, master);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(master, edit->master, ROOST_KEY_SIZE))
		err = ROOST_ERR_SLOT_AUTH;
	roost_wipe(master, sizeof(master));
	return err;
}

static enum roost_err
add_fresh(struct roost_fresh *fresh, struct roost_ring_edit *edit)
{
	enum roost_err err;

	if (fresh == NULL)
		return ROOST_OK;
	err = roost_fresh_add(fresh, edit);
	return err != ROOST_OK ? err :
		prove_last(edit, roost_fresh_secret(fresh));
}

static enum roost_err
add_slots(const struct compromise *com, struct roost_ring_edit *edit)
{
	enum roost_err err = ROOST_OK;
	unsigned int i;

	for (i = 0; err == ROOST_OK && i < com->before->slot_count; i++) {
		const struct roost_slot *slot = &com->before->slots[i];

		if (!slot_stays(com, slot))
			continue;
		err = slot_again(com, slot, edit);
		if (err == ROOST_OK)
			err = prove_last(edit, com->opener);
		if (slot->number == com->opened_by &&
		    slot->type != ROOST_SLOT_ESCROW) {
			edit->new_slot = last_number(edit->kr);
			edit->new_secret = com->opener;
		}
	}
	if (err == ROOST_OK)
		err = add_fresh(com->password, edit);
	return err != ROOST_OK ? err : add_fresh(com->recovery, edit);
}

static int
compromise_change(struct roost_ring_edit *edit, void *context,
		  const char **error_r)
{
	const struct compromise *com = context;
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;

	if (roost_slots_check_epochs(edit->kr, error_r) < 0)
		return -1;
	err = roost_keyring_change_master(edit->kr, edit->master, master);
	memcpy(edit->master, master, sizeof(master));
	roost_wipe(master, sizeof(master));
	if (err == ROOST_OK)
		err = roost_keyring_add_epoch(edit->kr, edit->host_key,
					      edit->master,
					      (uint64_t)ioloop_time);
	if (err == ROOST_OK)
		err = add_slots(com, edit);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

/* -- running -- */

static void
print_slots(const struct compromise *com)
{
	const struct roost_keyring *doc = roost_ring_doc(com->target->ring);
	unsigned int i;

	for (i = 0; i < com->before->slot_count; i++) {
		const struct roost_slot *slot = &com->before->slots[i];

		if (!slot_stays(com, slot))
			roost_slots_print(slot->number, slot->type,
					  slot->number == com->leaked ?
					  "removed" : "dropped", "");
	}
	for (i = 0; i < doc->slot_count; i++) {
		const struct roost_slot *slot = &doc->slots[i];
		bool is_code = com->recovery != NULL &&
			i + 1 == doc->slot_count;

		roost_slots_print(slot->number, slot->type, is_code ||
				  (slot->type == ROOST_SLOT_PASSWORD &&
				   com->password != NULL) ? "added" : "kept",
				  is_code ?
				  roost_fresh_shown(com->recovery) : "");
	}
	if (com->recovery != NULL)
		roost_slots_tell_once(com->cmd, com->target->user);
}

/* Get all secrets.  0, or less with error_r. */
static int
compromise_prepare(struct compromise *com, const char **error_r)
{
	struct roost_given *given = &com->cmd->given;
	int ret;

	if (roost_given_get_opener(given,
				   roost_target_needs_secret(com->target),
				   &com->opener, error_r) < 0)
		return -1;
	ret = roost_target_find_opened(com->target, given, com->opener,
				       &com->opened_by, error_r);
	if (ret < 0)
		return ret;
	if (roost_given_has_password(given) &&
	    roost_fresh_make(&com->password, given, com->target->config,
			     ROOST_SLOT_PASSWORD, error_r) < 0)
		return -1;
	if ((com->cmd->has_recovery ||
	     roost_consent_offer(&com->cmd->ctx,
				 "Make a new recovery code, too?")) &&
	    roost_fresh_make(&com->recovery, given, com->target->config,
			     ROOST_SLOT_RECOVERY, error_r) < 0)
		return -1;
	if (is_usable(com))
		return 0;
	*error_r = "Nothing would open the keyring afterwards: give a new "
		"password by --new-secret-file, or have a new recovery code "
		"made by --recovery, or open it by another slot than the one "
		"that leaked";
	return -1;
}

static int
compromise_go(struct compromise *com, const char **error_r)
{
	struct roost_ring_change change = {
		.needs_master = TRUE,
		.change = compromise_change, .context = com,
	};
	int ret = compromise_prepare(com, error_r);

	if (ret < 0)
		return ret;
	if (roost_consent_get(&com->cmd->ctx, com->target->user,
			      compromise_text(com), error_r) < 0)
		return -1;
	change.secret = com->opener;
	ret = roost_target_change(com->target, &com->cmd->given, &change,
				  error_r);
	if (ret < 0)
		return roost_slots_fail(com->cmd, com->target->user, &change,
					com->recovery, 0, ret, error_r);
	print_slots(com);
	return 0;
}

int
roost_compromise_run(struct roost_slots_command *cmd,
		     struct roost_target *target, uint32_t leaked,
		     const char **error_r)
{
	struct compromise com = {
		.cmd = cmd, .target = target, .leaked = leaked,
		.before = i_new(struct roost_keyring, 1),
	};
	int ret;

	*com.before = *roost_ring_doc(target->ring);
	ret = compromise_go(&com, error_r);
	roost_fresh_free(&com.password);
	roost_fresh_free(&com.recovery);
	i_free(com.before);
	return ret;
}

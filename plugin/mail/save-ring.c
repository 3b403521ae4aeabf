/* SPDX-License-Identifier: MIT */
/*
 * save-ring: the keyring that new messages are sealed for.  See save-ring.h.
 */
#include "mail/save-ring.h"

/* A transaction that has sealed a message, or shared a sealed file. */
struct save_trans {
	union mailbox_transaction_module_context module_ctx;
	struct roost_ring *ring;
	unsigned int seal_count;
};

static MODULE_CONTEXT_DEFINE_INIT(save_trans_module,
				  &mail_storage_module_register);

bool
roost_save_ring_is_needed(struct mailbox *box)
{
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct roost_ring *ring;
	const char *error;

	if (ruser == NULL)
		return FALSE;
	return roost_user_config(ruser)->enable == ROOST_ENABLE_YES ||
		(ns->owner != box->storage->user &&
		 roost_user_ring(ruser, ns, &ring, &error) != 0);
}

int
roost_save_ring_bind(struct mailbox_transaction_context *t,
		     struct roost_ring *ring, const char **error_r)
{
	struct roost_user *ruser = roost_user_get(t->box->storage->user);
	struct save_trans *strans = MODULE_CONTEXT(t, save_trans_module);

	if (strans != NULL)
		return 0;
	if (roost_user_recent_ring(ruser, ring, error_r) < 0)
		return -1;
	strans = i_new(struct save_trans, 1);
	strans->ring = ring;
	strans->seal_count = roost_ring_seal_count(ring);
	MODULE_CONTEXT_SET(t, save_trans_module, strans);
	return 0;
}

int
roost_save_ring_get(struct mailbox_transaction_context *t,
		    struct roost_ring **ring_r)
{
	struct mailbox *box = t->box;
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	const char *error;

	if (roost_user_seal_ring(ruser, ns, ring_r, &error) == 0 &&
	    roost_save_ring_bind(t, *ring_r, &error) == 0 &&
	    roost_ring_check_seal(*ring_r, &error) == 0)
		return 0;
	mailbox_set_critical(box, "roost: Cannot seal, so nothing is saved: "
			     "%s", error);
	return -1;
}

static int
trans_check(struct mailbox_transaction_context *t,
	    const struct save_trans *strans)
{
	struct roost_user *ruser = roost_user_get(t->box->storage->user);
	const char *error;

	if (roost_user_renew_ring(ruser, strans->ring, &error) == 0) {
		if (roost_ring_seal_count(strans->ring) == strans->seal_count)
			return 0;
		error = "the keyring has got another public key meanwhile";
	}
	mailbox_set_critical(t->box, "roost: Nothing is saved of what was "
			     "sealed: %s", error);
	return -1;
}

int
roost_save_ring_finish(struct mailbox_transaction_context *t)
{
	struct save_trans *strans = MODULE_CONTEXT(t, save_trans_module);
	int ret = strans == NULL ? 0 : trans_check(t, strans);

	i_free(strans);
	return ret;
}

void
roost_save_ring_release(struct mailbox_transaction_context *t)
{
	struct save_trans *strans = MODULE_CONTEXT(t, save_trans_module);

	i_free(strans);
}

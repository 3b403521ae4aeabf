/* SPDX-License-Identifier: MIT */
/*
 * copy-share: may a copy share a file?  See copy-share.h.
 */
#include "mail/copy-share.h"

#include "mail/save-ring.h"
#include "session/inspect.h"
#include "session/named-object.h"

#include "roost/bytes.h"

/* Answers as roost_copy_may_share() for a sealed message.  Magic and keyring id
   decide, so that a message that does not open can still be moved. */
static int
copy_is_inside_keyring(struct mailbox_transaction_context *t,
		       struct mail *mail, const struct roost_peek *peek)
{
	struct mailbox *box = t->box;
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct mail_namespace *from = mailbox_get_namespace(mail->box);
	struct roost_ring *ring;
	const char *error;

	if (ruser == NULL || !peek->has_header)
		return 0;
	if (roost_user_config(ruser)->enable == ROOST_ENABLE_NO)
		return ns->owner != NULL && ns->owner == from->owner ? 1 : 0;
	if (roost_user_ring(ruser, ns, &ring, &error) <= 0 ||
	    !roost_bytes_equal(peek->keyring_id, roost_ring_doc(ring)->id,
			       ROOST_ID_SIZE))
		return 0;
	if (roost_save_ring_bind(t, ring, &error) == 0)
		return 1;
	mailbox_set_critical(box, "roost: Nothing is copied: %s", error);
	return -1;
}

int
roost_copy_may_share(struct mailbox_transaction_context *t, struct mail *mail)
{
	struct roost_peek peek;

	/* Saving it anew reads it, and tells why that fails. */
	if (roost_inspect_peek(mail, &peek) < 0)
		return 0;
	if (peek.is_sealed)
		return copy_is_inside_keyring(t, mail, &peek);
	/* Plaintext that was put in the place of a sealed message is refused
	   when it is read, so it is saved anew. */
	return !roost_save_ring_is_needed(t->box) &&
		!roost_named_object_is_there(mail) ? 1 : 0;
}

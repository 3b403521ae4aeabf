/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_SIZES_H
#define ROOST_MAIL_SIZES_H

/*
 * sizes: the sizes of a sealed message that are on record, and its true ones.
 *
 * A sealed message may hold packed bytes, which another plugin wrote and
 * unpacks; its sizes are those of what a reader is shown.  A session without
 * that plugin is shown the packed bytes.  It is told the sizes of these, but
 * must not keep them, nor a structure of them, for other sessions.
 *
 * Whenever a message is opened, a size on record that is not the message's is
 * put right: in memory at once, and on disk by roost_sizes_heal().
 */

#include "dovecot/compat.h"

#include "session/user.h"

/* The sizes of an opened message; one that is UOFF_T_MAX is not known. */
struct roost_sizes {
	uoff_t physical, virtual;
	/* What is on record is another size. */
	bool is_physical_wrong, is_virtual_wrong;
	/* The sizes are of packed bytes, because these are shown: they are told
	   in place of those on record, and are not kept. */
	bool is_held_back;
	bool was_healed;	/* roost_sizes_heal() was called */
};

/* TRUE if plain, the plaintext of this object, is packed.  counted is what the
   session knows of the object that was opened last, which spares looking once
   more; afterwards it is of this object. */
bool roost_sizes_was_packed(struct istream *plain, const uint8_t *object_id,
			    struct roost_counted *counted);

/*
 * Finds the sizes of a sealed message that was opened, tells core, and compares
 * them with those on record.  plain is the object's plaintext, and shown what
 * the other plugins made of it.  was_packed and counted are those of
 * roost_sizes_was_packed().  Sets no error.
 */
void roost_sizes_opened(struct mail *mail, struct istream *plain,
			bool was_packed, struct istream *shown,
			struct roost_counted *counted,
			struct roost_sizes *sizes_r);

/* Nothing is known. */
static inline void
roost_sizes_reset(struct roost_sizes *sizes)
{
	sizes->physical = sizes->virtual = UOFF_T_MAX;
	sizes->is_physical_wrong = sizes->is_virtual_wrong = FALSE;
	sizes->is_held_back = sizes->was_healed = FALSE;
}

/* Each corrects what the storage has answered with ret in *size_r: where the
   size is known, that is put there.  Returns 0 then, else ret. */
int roost_sizes_physical(struct mail *mail, const struct roost_sizes *sizes,
			 int ret, uoff_t *size_r);
int roost_sizes_virtual(struct mail *mail, const struct roost_sizes *sizes,
			int ret, uoff_t *size_r);

/* Takes from core the sizes that it has found, before the mail is closed: it
   would keep them for other sessions. */
void roost_sizes_forget(struct mail *mail);

/* Adds the sizes to the index cache if they were counted, so that they are
   found before those in a dbox file.  To be called once core has the stream. */
void roost_sizes_note(struct mail *mail, const struct roost_sizes *sizes);

static inline bool
roost_sizes_are_wrong(const struct roost_sizes *sizes)
{
	return sizes->is_physical_wrong || sizes->is_virtual_wrong;
}

/* Drops the wrong record, which is logged.  To be called once core has the
   stream. */
void roost_sizes_heal(struct mail *mail, struct roost_sizes *sizes);

#endif

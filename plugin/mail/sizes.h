/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_SIZES_H
#define ROOST_MAIL_SIZES_H

/*
 * sizes: what is on record of a message's size, against the message.
 *
 * A sealed message may hold compressed bytes, which another plugin unpacks: it
 * has the size that a reader is shown.  Who reads it without that plugin would
 * keep sizes and structure of the compressed bytes.  So nothing is kept of what
 * is shown packed, and as long as that is shown, its sizes are told.  Whenever
 * a message is opened, a size on record that is not the message's is put right,
 * in memory at once and on disk with heal.
 */

#include "dovecot/compat.h"

#include "session/user.h"

/* Of one opened message; UOFF_T_MAX is not known. */
struct roost_sizes {
	uoff_t physical, virtual;
	bool is_physical_wrong, is_virtual_wrong;	/* on record */
	/* Of packed bytes: what is read is not the message, and nobody is told
	   of its own sizes what is kept for others. */
	bool is_held_back;
	bool was_healed;
};

/* Is plain, which this object holds, packed?  What the session knows is not
   looked at again.  counted is then of this object. */
bool roost_sizes_was_packed(struct istream *plain, const uint8_t *object_id,
			    struct roost_counted *counted);

/*
 * A sealed message was opened: plain is what the object holds and shown what
 * the other plugins made of it.  Core is told the sizes; no error is set.
 * was_packed and counted are from the function before.
 */
void roost_sizes_opened(struct mail *mail, struct istream *plain,
			bool was_packed, struct istream *shown,
			struct roost_counted *counted,
			struct roost_sizes *sizes_r);

static inline void
roost_sizes_reset(struct roost_sizes *sizes)
{
	sizes->physical = sizes->virtual = UOFF_T_MAX;
	sizes->is_physical_wrong = sizes->is_virtual_wrong = FALSE;
	sizes->is_held_back = sizes->was_healed = FALSE;
}

/* What the storage answered with ret, and what is answered instead where the
   size is known: 0 or ret. */
int roost_sizes_physical(struct mail *mail, const struct roost_sizes *sizes,
			 int ret, uoff_t *size_r);
int roost_sizes_virtual(struct mail *mail, const struct roost_sizes *sizes,
			int ret, uoff_t *size_r);

/* Before the mail is closed: core would keep the sizes that it found. */
void roost_sizes_forget(struct mail *mail);

/* Once core has the stream: note the sizes in the index if they were counted,
   so that they are found before those in a dbox file. */
void roost_sizes_note(struct mail *mail, const struct roost_sizes *sizes);

static inline bool
roost_sizes_are_wrong(const struct roost_sizes *sizes)
{
	return sizes->is_physical_wrong || sizes->is_virtual_wrong;
}

/* Once core has the stream: drop the wrong record, which is logged. */
void roost_sizes_heal(struct mail *mail, struct roost_sizes *sizes);

#endif

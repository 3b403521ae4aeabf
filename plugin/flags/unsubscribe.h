/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_SENDER_SAYS_H
#define ROOST_FLAGS_SENDER_SAYS_H

/*
 * sender-says: can one unsubscribe from what sent a message with one click
 * (RFC 8058), and is that the sender's own word (RFC 8601)?
 */

#include "dovecot/compat.h"

struct roost_sender_says {
	bool has_uri;		/* List-Unsubscribe has an https URI */
	bool has_post;		/* List-Unsubscribe-Post offers it */
	bool has_heard;		/* a host that is trusted has said something */
	bool has_passed;	/* dkim=pass */
};

/* Has the header anything to say here? */
bool roost_sender_is_asked(const char *name);

/* One header, unfolded, the topmost first; authserv: hosts that are trusted. */
void roost_sender_hear(struct roost_sender_says *says, const char *name,
		       const char *value, const char *const *authserv);

/* After the last.  Without trusted hosts, the offer suffices. */
bool roost_sender_can_unsubscribe(const struct roost_sender_says *says,
				  const char *const *authserv);

#endif

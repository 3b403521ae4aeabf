/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_UNSUBSCRIBE_H
#define ROOST_FLAGS_UNSUBSCRIBE_H

/*
 * unsubscribe: does a message offer to unsubscribe with one click (RFC 8058),
 * and does a host that is trusted say that its sender signed it (RFC 8601)?
 */

#include "dovecot/compat.h"

/* All false before the first header. */
struct roost_unsubscribe {
	bool has_uri;		/* List-Unsubscribe has an https URI */
	bool has_post;		/* List-Unsubscribe-Post offers one click */
	bool has_results;	/* a trusted host's results were read */
	bool has_passed;	/* they have dkim=pass */
};

/* True if the header of this name decides about it. */
bool roost_unsubscribe_wants_header(const char *name);

/*
 * Take in one header of the message, unfolded; the topmost comes first.
 * authserv: the hosts that are trusted, with NULL at the end.
 */
void roost_unsubscribe_add_header(struct roost_unsubscribe *unsubscribe,
				  const char *name, const char *value,
				  const char *const *authserv);

/* The answer, after the last header.  Where no host is trusted, the offer
   suffices. */
bool roost_unsubscribe_is_offered(const struct roost_unsubscribe *unsubscribe,
				  const char *const *authserv);

#endif

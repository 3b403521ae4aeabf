/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_VERIFY_MESSAGE_H
#define ROOST_DOVEADM_VERIFY_MESSAGE_H

/*
 * verify-message: is one stored message whole, and what it should be?
 *
 * With keys it is opened and read to its end, and the sizes on record are
 * compared with what a reader is shown.  Without, only its digest is compared,
 * which needs no key and is no proof against an attacker.  Nothing is written,
 * but that reading a message drops a wrong record from the index.
 */

#include "session/ring.h"

enum roost_verdict {
	ROOST_VERDICT_SEALED,		/* and whole */
	ROOST_VERDICT_PLAINTEXT,	/* in no sealed message's place */
	ROOST_VERDICT_BAD,		/* logged, with what to do */
	ROOST_VERDICT_GONE		/* expunged by somebody meanwhile */
};

struct roost_verified {
	enum roost_verdict verdict;
	/* Why it is bad, for a script: the name of a gate, or "unsealed",
	   "size" or "unreadable" (it is whole, but Dovecot cannot read it).  A
	   constant; NULL unless it is bad. */
	const char *reason;
	uint32_t epoch;		/* that it is sealed to; 0: not known */
};

/* Verifies a mail with the keys of the ring, which may be NULL: then a sealed
   message is bad.  is_keyless: compares the digest alone. */
void roost_verify_message(struct mail *mail, struct roost_ring *ring,
			  bool is_keyless, struct roost_verified *verified_r);

#endif

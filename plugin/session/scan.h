/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_SCAN_H
#define ROOST_SESSION_SCAN_H

/*
 * scan: look at all of an owner's mail without opening any, before a keyring
 * is made for it.
 */

#include "session/keystore.h"

#include "roost/keyring.h"

/* What was found. */
struct roost_scan {
	bool has_sealed;		/* the scan stopped there */
	unsigned int plain_count;	/* messages that are not sealed */
	/* What else was found, for a log line; NULL: nothing.  Only a keyring
	   can have left a trace; remains are of mail of any kind. */
	const char *trace, *remains;
};

/*
 * Look at every message of the namespace, or of all namespaces that its owner
 * has.  0, or -1 with error_r.  A message or a mailbox that could not be read
 * is an error: it may be sealed.  May take long; hold no lock.
 */
int roost_scan_mail(struct mail_namespace *ns, struct roost_scan *scan_r,
		    const char **error_r);

/* The policy that a keyring is born with: sealed, unless it would refuse mail
   that is there already. */
enum roost_policy roost_scan_policy(const struct roost_scan *scan);

/*
 * Does what was found allow a new keyring where the one of store is missing?
 * 0, or -1 with error_r, which says what to do.  The first is for an admin who
 * says that the account starts anew: it forbids where there is sealed mail.
 * The second also forbids where anything hints at an earlier life: at a trace
 * of a keyring, and at remains where no message is left.
 */
int roost_scan_check_sealed(const struct roost_scan *scan,
			    struct roost_keystore *store,
			    const char **error_r);
int roost_scan_check(const struct roost_scan *scan,
		     struct roost_keystore *store, const char **error_r);

#endif

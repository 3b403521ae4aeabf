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
	bool has_sealed;		/* at the first one the scan stops */
	unsigned int plain_count;	/* messages that are not sealed */
	/* What hints at an earlier life, for a log line, or NULL: a trace is
	   of a keyring, remains are of mail of any kind. */
	const char *trace, *remains;
};

/*
 * Look at every message of the namespace, or of all namespaces that its owner
 * has.  0, or -1 with error_r.  A message or a mailbox that could not be read
 * is an error, because it may be sealed.  This may take long: hold no lock.
 */
int roost_scan_mail(struct mail_namespace *ns, struct roost_scan *scan_r,
		    const char **error_r);

/* The policy that a keyring is born with: sealed, unless it would refuse mail
   that is there already. */
enum roost_policy roost_scan_policy(const struct roost_scan *scan);

/*
 * Does what was found allow a new keyring where the one of store is missing?
 * 0, or -1 with error_r, which says what to do.  Sealed mail forbids it in
 * both.  The second also forbids it where there is a trace, or remains and no
 * message; an admin who says that the account starts anew asks the first.
 */
int roost_scan_check_sealed(const struct roost_scan *scan,
			    struct roost_keystore *store,
			    const char **error_r);
int roost_scan_check(const struct roost_scan *scan,
		     struct roost_keystore *store, const char **error_r);

#endif

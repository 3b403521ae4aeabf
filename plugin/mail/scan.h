/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SCAN_H
#define ROOST_SCAN_H

/*
 * scan: look at all of an owner's mail without opening any, before a keyring
 * is made for it.
 */

#include "dovecot-compat.h"

/* What was found. */
struct roost_scan {
	bool has_sealed;		/* the scan stopped there */
	unsigned int plain_count;	/* messages that are not sealed */
};

/*
 * Look at every message of the namespace, or of all namespaces that its owner
 * has.  0, or -1 with error_r.  A message or a mailbox that could not be read
 * is an error: it may be sealed.  May take long; hold no lock.
 */
int roost_scan_mail(struct mail_namespace *ns, struct roost_scan *scan_r,
		    const char **error_r);

/*
 * Does what was found allow a new keyring where store_name is missing?  0, or
 * -1 with error_r, which says what to do.
 */
int roost_scan_check(const struct roost_scan *scan, const char *store_name,
		     const char **error_r);

#endif

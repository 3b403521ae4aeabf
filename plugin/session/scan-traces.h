/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_SCAN_TRACES_H
#define ROOST_SESSION_SCAN_TRACES_H

/*
 * scan-traces: what tells that mail was there before, though none is now.
 */

#include "session/scan.h"

/*
 * Look at the indexes of an open mailbox.  0, with scan->trace set if they hold
 * what Roost alone writes, and scan->remains if the mailbox ever held a
 * message; -1 with error_r.
 */
int roost_scan_traces_box(struct mailbox *box, struct roost_scan *scan,
			  const char **error_r);

/* Look at the namespace's subscriptions.  0, with scan->remains set if one is
   of a mailbox that is not there; -1 with error_r. */
int roost_scan_traces_namespace(struct mail_namespace *ns,
				struct roost_scan *scan,
				const char **error_r);

#endif

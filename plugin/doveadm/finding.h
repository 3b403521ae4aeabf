/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FINDING_H
#define ROOST_DOVEADM_FINDING_H

/*
 * finding: something that `doveadm roost doctor` has found, as a row.
 */

#include "dovecot/compat.h"

enum roost_severity {
	ROOST_SEVERITY_NOTICE,	/* good to know; nothing need be done */
	ROOST_SEVERITY_WARNING,	/* something is less safe than it could be */
	ROOST_SEVERITY_ERROR,	/* mail is readable on the disk, or is lost */
};

/* The texts are borrowed. */
struct roost_finding {
	enum roost_severity severity;
	const char *name;	/* one for each kind, for scripts */
	const char *where;	/* protocol, service, file or user */
	const char *what;
	const char *why;
	const char *mend;	/* the line that mends it, or the command */
};

struct roost_findings {
	bool is_bad;		/* there is one worse than a notice */
	bool is_logged;		/* each is an error of doveadm, and no row */
};

/* What a doctor's command needs before the first finding. */
void roost_finding_headers(void);

void roost_finding_add(struct roost_findings *findings,
		       const struct roost_finding *finding);

#endif

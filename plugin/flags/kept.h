/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_KEPT_H
#define ROOST_FLAGS_KEPT_H

/*
 * kept: what the rules answered to the requests of one transaction.  Most
 * messages of a STORE or a COPY have keywords that another has, and the rules
 * are not asked again for them.
 *
 * Promises: an answer is found only for the same request, and for a message
 * that has the same keywords in the same order; a limited number of them is
 * kept.  An answer holds until the transaction ends: within it a name that was
 * refused stays refused, since the mailbox only gets more names.
 */

#include "dovecot/compat.h"

#include "roost/flagrule.h"

struct roost_flags_request {
	enum roost_flag_actor actor;
	enum roost_flag_change change;
	struct mail_keywords *keywords;	/* NULL: none are asked for */
	/* The message: \Flagged after the change, and what it has before; of a
	   copy, what it would have without rules. */
	bool is_flagged;
	const ARRAY_TYPE(keyword_indexes) *current;
};

struct roost_flags_answer {
	bool is_refused;	/* so that the transaction fails */
	bool is_literal;	/* the request is handed on as it is */
	bool has_deviated;
	/* NULL: none; a copy has those added, and no others. */
	struct mail_keywords *removed, *added;
	ARRAY_TYPE(const_string) denied;	/* the rules that did */
};

/* The answers of one transaction; NULL at first. */
struct roost_flags_kept;

/* NULL if there is none. */
const struct roost_flags_answer *
roost_flags_kept_find(const struct roost_flags_kept *kept,
		      const struct roost_flags_request *request);

/* Returns an empty answer to the request, which must have none yet, for the
   caller to fill.  It may take the place of another. */
struct roost_flags_answer *
roost_flags_kept_add(struct roost_flags_kept **kept,
		     const struct roost_flags_request *request);

/* Sets *kept, which may be NULL, to NULL. */
void roost_flags_kept_free(struct roost_flags_kept **kept);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_SEARCH_H
#define ROOST_FLAGS_SEARCH_H

/*
 * search: a keyword is searched for by all of its aliases.
 */

#include "flags/box.h"

#include "mail-search.h"

/* Change the search keys that Dovecot has initialized for this mailbox. */
void roost_flags_search_fix(struct roost_flags_box *fbox,
			    struct mail_search_args *args);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_SEARCH_H
#define ROOST_FLAGS_SEARCH_H

/*
 * search: a keyword is searched for in all of its spellings.
 */

#include "flags/box.h"

#include "mail-search.h"

/* Change keys that were initialized for this mailbox. */
void roost_flags_search_fix(struct roost_flags_box *fbox,
			    struct mail_search_args *args);

#endif

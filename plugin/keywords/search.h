/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_SEARCH_H
#define ROOST_KEYWORDS_SEARCH_H

/*
 * search: search keys that name a keyword.
 */

#include "keywords/index.h"
#include "mail-search.h"

/*
 * Change them, after they were initialized for the mailbox of ki: a name that
 * stands for several positions is searched at each, and who asks for a token
 * instead of its name finds nothing.
 */
void roost_keyword_search_fix(struct roost_keyword_index *ki,
			      struct mail_search_args *args);

#endif

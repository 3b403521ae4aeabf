/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_SEARCH_H
#define ROOST_KEYWORDS_SEARCH_H

/*
 * search: search keys that name a keyword.  They are changed so that they find
 * a name wherever it has twins, and nothing by its token.
 */

#include "keywords/index.h"
#include "mail-search.h"

/*
 * Change the search keys that Dovecot has initialized for a mailbox of this
 * index.  A name that has twins is searched for at each of them; a token whose
 * name is known finds nothing.
 */
void roost_keyword_search_fix(struct roost_keyword_index *kindex,
			      struct mail_search_args *args);

#endif

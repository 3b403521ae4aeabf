/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_EVENT_H
#define ROOST_DOVECOT_EVENT_H

/*
 * event: events about single messages, made only where somebody listens.
 *
 * The log or a metric listens to an event by a filter, which may ask for
 * anything that the event says, the UID included.  So the filters are asked
 * about each message, by a draft: an event that is never sent, and in which
 * nothing but the UID changes from message to message.
 */

#include "dovecot/compat.h"

/* What an event says.  Name, category and rule are constants. */
struct roost_event {
	const char *name;
	struct event_category *category;	/* NULL: none */
	const char *rule;	/* NULL: it has no such field */
	const char *mailbox;
	uint32_t uid;		/* 0: the message has none yet */
};

/* The drafts of one mailbox; NULL at first. */
struct roost_event_draft;

/* Send an event if somebody listens to it.  It is a child of parent, which is
   the same for all drafts of a list, and so is the mailbox. */
void roost_event_send(struct roost_event_draft **drafts,
		      struct event *parent, const struct roost_event *said);

/* Sets *drafts, which may be NULL, to NULL. */
void roost_event_free(struct roost_event_draft **drafts);

/*
 * An event that comes a few times in a session, not for each message, and lasts
 * from the one call to the other, which frees it.  The field is a constant's
 * name and its value; a key of NULL: there is none.  A parent of NULL: nobody
 * is told, and the event is NULL.
 */
struct event *roost_event_begin(struct event *parent,
				struct event_category *category);
void roost_event_end(struct event **event, const char *name, const char *key,
		     const char *value);

#endif

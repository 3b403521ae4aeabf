/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_EVENT_H
#define ROOST_FLAGS_EVENT_H

/*
 * event: events about single messages, made only where somebody listens.
 *
 * The log or a metric listens to an event by a filter, which may ask for
 * anything that the event says, the UID included.  So the filters are asked
 * about each message, by a draft: an event that is never sent, and in which
 * nothing but the UID changes from message to message.
 */

#include "dovecot/compat.h"

/* What an event says.  Name and rule are constants. */
struct roost_flags_event {
	const char *name, *rule, *mailbox;
	uint32_t uid;		/* 0: the message has none yet */
};

/* The drafts of one mailbox; NULL at first. */
struct roost_flags_event_draft;

/* Send an event if somebody listens to it.  It is a child of parent, which is
   the same for all drafts of a list, and so is the mailbox. */
void roost_flags_event_send(struct roost_flags_event_draft **drafts,
			    struct event *parent,
			    const struct roost_flags_event *said);

/* Sets *drafts, which may be NULL, to NULL. */
void roost_flags_event_free(struct roost_flags_event_draft **drafts);

#endif

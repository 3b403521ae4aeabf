/* SPDX-License-Identifier: MIT */
/*
 * event: events about single messages, made only where somebody listens.  See
 * event.h.
 */
#include "dovecot/event.h"

struct roost_event_draft {
	struct roost_event_draft *next;
	const char *name, *rule;
	struct event *event;
};

static struct event *
event_new(struct event *parent, const struct roost_event *said)
{
	struct event *event = event_create(parent);

	event_set_name(event, said->name);
	if (said->category != NULL)
		event_add_category(event, said->category);
	/* The first field is found soonest: see draft_is_wanted(). */
	event_add_int(event, "uid", said->uid);
	if (said->rule != NULL)
		event_add_str(event, "rule", said->rule);
	event_add_str(event, "mailbox", said->mailbox);
	return event;
}

static struct roost_event_draft *
draft_get(struct roost_event_draft **drafts, struct event *parent,
	  const struct roost_event *said)
{
	struct roost_event_draft *draft;

	for (draft = *drafts; draft != NULL; draft = draft->next) {
		/* Constants, so that their addresses tell. */
		if (draft->rule == said->rule && draft->name == said->name)
			return draft;
	}
	draft = i_new(struct roost_event_draft, 1);
	draft->name = said->name;
	draft->rule = said->rule;
	draft->event = event_new(parent, said);
	draft->next = *drafts;
	*drafts = draft;
	return draft;
}

/* Does a filter of the log, or of a metric, ask for such an event?  Dovecot
   keeps the answer of the log's filter in the event; setting whether debugging
   is forced, here to what it is, makes it ask again. */
static bool
draft_is_wanted(struct roost_event_draft *draft, uint32_t uid)
{
	event_add_int(draft->event, "uid", uid);
	event_set_forced_debug(draft->event, FALSE);
	return event_want_debug(draft->event);
}

void
roost_event_send(struct roost_event_draft **drafts, struct event *parent,
		 const struct roost_event *said)
{
	struct roost_event_draft *draft = draft_get(drafts, parent, said);
	struct event *event;

	if (!draft_is_wanted(draft, said->uid))
		return;
	event = event_new(parent, said);
	e_debug(event, "%s%s%s (UID %u)", said->name,
		said->rule == NULL ? "" : ": ",
		said->rule == NULL ? "" : said->rule, said->uid);
	event_unref(&event);
}

void
roost_event_free(struct roost_event_draft **drafts)
{
	struct roost_event_draft *draft;

	while ((draft = *drafts) != NULL) {
		*drafts = draft->next;
		event_unref(&draft->event);
		i_free(draft);
	}
}

struct event *
roost_event_begin(struct event *parent, struct event_category *category)
{
	struct event *event = NULL;

	if (parent != NULL) {
		event = event_create(parent);
		event_add_category(event, category);
	}
	return event;
}

void
roost_event_end(struct event **event, const char *name, const char *key,
		const char *value)
{
	if (*event == NULL)
		return;
	event_set_name(*event, name);
	if (key != NULL)
		event_add_str(*event, key, value);
	e_debug(*event, "%s%s%s", name, key == NULL ? "" : ": ",
		key == NULL ? "" : value);
	event_unref(event);
}

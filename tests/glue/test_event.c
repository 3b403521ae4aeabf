/* SPDX-License-Identifier: MIT */
/*
 * test_event: events about messages are made only where somebody listens.
 *
 * Contains event.c.
 */
#include "dovecot/event.c"

#include "event-filter.h"
#include "lib-event-private.h"

#include "test-common.h"

#define MESSAGES 1000

static unsigned int made, sent, sent_uids;

static bool
count(struct event *event, enum event_callback_type type,
      struct failure_context *ctx ATTR_UNUSED, const char *fmt ATTR_UNUSED,
      va_list args ATTR_UNUSED)
{
	const struct event_field *uid;

	if (type == EVENT_CALLBACK_TYPE_CREATE)
		made++;
	if (type == EVENT_CALLBACK_TYPE_SEND) {
		sent++;
		uid = event_find_field_nonrecursive(event, "uid");
		sent_uids += uid == NULL ? 0 : uid->value.intmax;
	}
	/* Nothing else gets it: the log is not written. */
	return type != EVENT_CALLBACK_TYPE_SEND;
}

/* Two kinds of events about each of MESSAGES messages. */
static void
send_all(struct event *parent)
{
	struct roost_event_draft *drafts = NULL;
	struct roost_event said = { .mailbox = "INBOX" };

	made = sent = sent_uids = 0;
	for (said.uid = 1; said.uid <= MESSAGES; said.uid++) {
		said.name = "roost_flags_changed";
		said.rule = "policy";
		roost_event_send(&drafts, parent, &said);
		said.name = "roost_flags_denied";
		said.rule = "protect";
		roost_event_send(&drafts, parent, &said);
	}
	roost_event_free(&drafts);
	test_assert(drafts == NULL);
}

static void
listen_by(const char *text)
{
	struct event_filter *filter = event_filter_create();
	const char *error;

	test_assert(event_filter_parse(text, filter, &error) == 0);
	event_set_global_debug_log_filter(filter);
	event_filter_unref(&filter);
}

static void
test_events(void)
{
	static const struct {
		const char *filter;
		unsigned int sent, sent_uids;
	} cases[] = {
		{ "event=roost_opened", 0, 0 },
		{ "event=roost_flags_changed", MESSAGES,
		  MESSAGES * (MESSAGES + 1) / 2 },
		{ "event=roost_flags_*", 2 * MESSAGES,
		  MESSAGES * (MESSAGES + 1) },
		{ "event=roost_flags_denied and uid=7", 1, 7 },
		{ "rule=protect and mailbox=Other", 0, 0 },
	};
	struct event *parent = event_create(NULL);
	unsigned int i;

	test_begin("an event for each message where somebody listens");
	event_register_callback(count);
	send_all(parent);
	test_assert(sent == 0 && made == 2);
	for (i = 0; i < N_ELEMENTS(cases); i++) {
		listen_by(cases[i].filter);
		send_all(parent);
		test_assert_idx(sent == cases[i].sent, i);
		test_assert_idx(sent_uids == cases[i].sent_uids, i);
		test_assert_idx(made == sent + 2, i);
		event_unset_global_debug_log_filter();
	}
	event_set_forced_debug(parent, TRUE);
	send_all(parent);
	test_assert(sent == 2 * MESSAGES);
	event_unregister_callback(count);
	event_unref(&parent);
	test_end();
}

/* About messages that no rule is about. */
static void
test_without_rule(void)
{
	struct roost_event_draft *drafts = NULL;
	struct event *parent = event_create(NULL);
	struct roost_event said = { .mailbox = "INBOX" };

	test_begin("an event without a rule");
	event_register_callback(count);
	made = sent = sent_uids = 0;
	listen_by("event=roost_opened and uid>990");
	for (said.uid = 1; said.uid <= MESSAGES; said.uid++) {
		said.name = "roost_sealed";
		roost_event_send(&drafts, parent, &said);
		said.name = "roost_opened";
		roost_event_send(&drafts, parent, &said);
	}
	test_assert(sent == 10 && made == 12);
	test_assert(sent_uids == 10 * 991 + 45);
	event_unset_global_debug_log_filter();
	roost_event_free(&drafts);
	event_unregister_callback(count);
	event_unref(&parent);
	test_end();
}

static void
tell(struct event *parent, const char *key)
{
	static struct event_category category = { .name = "roost" };
	struct event *event = roost_event_begin(parent, &category);

	test_assert((event == NULL) == (parent == NULL));
	roost_event_end(&event, "roost_unlocked", key, "provider");
	test_assert(event == NULL);
}

static void
test_seldom(void)
{
	struct event *parent = event_create(NULL);

	test_begin("an event that lasts is sent where somebody listens");
	event_register_callback(count);
	made = sent = 0;
	tell(parent, "by");
	test_assert(made == 1 && sent == 0);
	listen_by("event=roost_unlocked and by=provider and category=roost");
	tell(parent, "by");
	test_assert(made == 2 && sent == 1);
	tell(parent, "reason");
	tell(parent, NULL);
	test_assert(made == 4 && sent == 1);
	tell(NULL, "by");
	test_assert(made == 4 && sent == 1);
	event_unset_global_debug_log_filter();
	event_unregister_callback(count);
	event_unref(&parent);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_events,
		test_without_rule,
		test_seldom,
		NULL
	};

	return test_run(tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * fetch-hooks: the answer to a FETCH.  See fetch-hooks.h.
 *
 * Core writes the beginning of a message's line, "* 1 FETCH (", into a buffer,
 * to which some items of FETCH add what they answer.  If only such items were
 * asked for and all of them fail, core neither sends the line nor empties the
 * buffer, and the next message's line would follow within the parenthesis.  So
 * each item that may fail gets another one behind it, which empties the buffer
 * if it is the last of the line.
 */
#include "mail/fetch-hooks.h"

#include "dovecot/compat.h"
#include "imap-common.h"
#include "imap-fetch.h"
#include "str.h"

#pragma weak imap_fetch_add_handler
#pragma weak imap_fetch_handler_lookup
#pragma weak imap_fetch_handler_unregister
#pragma weak imap_fetch_handlers_register

/* What a name is made of; core has turned it into capitals. */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

/* The items that answer by the buffer, but for FLAGS, MODSEQ and UID, which
   never fail.  The handler of RFC822 is that of RFC822.SIZE, too. */
static const char *const item_names[] = {
	"INTERNALDATE", "PREVIEW", "RFC822", "SAVEDATE", "SNIPPET", "X-GUID",
	"X-MAILBOX", "X-REAL-UID", "X-SAVEDATE",
};

/* Core's own handlers of these; name is NULL where core has none. */
static struct imap_fetch_handler core_items[N_ELEMENTS(item_names)];

/* The handler of the item behind another one: empties the buffer if nothing was
   added to the beginning of the line and no item follows.  Returns 1, done. */
static int
fetch_forget_line(struct imap_fetch_context *ctx, struct mail *mail,
		  struct imap_fetch_handler *item ATTR_UNUSED)
{
	struct imap_fetch_state *state = &ctx->state;

	if (mail != NULL && !state->line_partial &&
	    state->cur_handler + 1 == array_count(&ctx->handlers) &&
	    str_len(state->cur_str) == state->cur_str_prefix_size)
		str_truncate(state->cur_str, 0);
	return 1;
}

/* Returns core's handler of an item that a client has named.  As in core, only
   the beginning counts: "PREVIEW<0>" is PREVIEW. */
static struct imap_fetch_handler *
core_item(const char *name)
{
	size_t len = strspn(name, NAME_CHARS);
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(core_items); i++) {
		if (core_items[i].name != NULL &&
		    strlen(core_items[i].name) == len &&
		    strncmp(core_items[i].name, name, len) == 0)
			return &core_items[i];
	}
	i_unreached();
}

static bool
fetch_item_init(struct imap_fetch_init_context *ctx)
{
	struct imap_fetch_handler *item = core_item(ctx->name);

	if (!item->init(ctx))
		return FALSE;
	imap_fetch_add_handler(ctx, IMAP_FETCH_HANDLER_FLAG_BUFFERED, NULL,
			       fetch_forget_line, item);
	return TRUE;
}

static void
fetch_item_wrap(struct imap_fetch_handler *item, const char *name)
{
	const struct imap_fetch_handler *core =
		imap_fetch_handler_lookup(name);
	struct imap_fetch_handler wrapped;

	if (core == NULL)
		return;
	*item = wrapped = *core;
	wrapped.init = fetch_item_init;
	imap_fetch_handler_unregister(name);
	imap_fetch_handlers_register(&wrapped, 1);
}

void
roost_fetch_hooks_init(void)
{
	unsigned int i;

	if (imap_fetch_handler_lookup == NULL)
		return;
	for (i = 0; i < N_ELEMENTS(core_items); i++)
		fetch_item_wrap(&core_items[i], item_names[i]);
}

void
roost_fetch_hooks_deinit(void)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(core_items); i++) {
		if (core_items[i].name == NULL)
			continue;
		imap_fetch_handler_unregister(core_items[i].name);
		imap_fetch_handlers_register(&core_items[i], 1);
		core_items[i].name = NULL;
	}
}

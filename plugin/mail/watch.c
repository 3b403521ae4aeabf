/* SPDX-License-Identifier: MIT */
/*
 * watch: the events that a message was sealed or opened.  See watch.h.
 */
#include "mail/watch.h"

#include "mail-storage-private.h"

#include "dovecot/event.h"
#include "dovecot/report.h"

struct watch_box {
	union mailbox_module_context module_ctx;
	struct roost_event_draft *drafts;
};

static MODULE_CONTEXT_DEFINE_INIT(watch_box_module,
				  &mail_storage_module_register);

static void
watch_message(struct mailbox *box, const char *name, uint32_t uid)
{
	struct watch_box *wbox = MODULE_CONTEXT(box, watch_box_module);
	const struct roost_event said = {
		.name = name, .category = &roost_report_category,
		.mailbox = mailbox_get_vname(box), .uid = uid,
	};

	if (wbox != NULL)
		roost_event_send(&wbox->drafts, box->event, &said);
}

void
roost_watch_sealed(struct mailbox *box)
{
	watch_message(box, "roost_sealed", 0);
}

void
roost_watch_opened(struct mail *mail)
{
	watch_message(mail->box, "roost_opened", mail->uid);
}

static void
watch_box_free(struct mailbox *box)
{
	struct watch_box *wbox =
		MODULE_CONTEXT_REQUIRE(box, watch_box_module);

	roost_event_free(&wbox->drafts);
	wbox->module_ctx.super.free(box);
}

void
roost_watch_box_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct watch_box *wbox = p_new(box->pool, struct watch_box, 1);

	wbox->module_ctx.super = *v;
	box->vlast = &wbox->module_ctx.super;
	v->free = watch_box_free;
	MODULE_CONTEXT_SET(box, watch_box_module, wbox);
}

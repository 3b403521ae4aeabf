/* SPDX-License-Identifier: MIT */
/*
 * count: how many messages are not sealed.  See count.h.
 */
#include "doveadm/count.h"

#include "doveadm/walk.h"
#include "session/sealed-to.h"

struct count_run {
	struct doveadm_mail_cmd_context *ctx;
	const struct roost_keyring *doc;	/* NULL: there is none */
	struct roost_count *count;
	struct roost_count_box box;		/* that is being read */
	bool is_unread;			/* some could not be looked at */
};

static void
count_unread(struct count_run *run, struct mail *mail, const char *why)
{
	run->is_unread = TRUE;
	e_error(mail_event(mail), "roost: Cannot look whether it is sealed: "
		"%s", why);
}

static void
count_peeked(struct count_run *run, struct mail *mail,
	     const struct roost_peek *peek)
{
	enum roost_err err;
	uint32_t epoch;

	if (!peek->is_sealed) {
		run->box.unsealed++;
		if (peek->is_crypted)
			run->box.crypted++;
		return;
	}
	if (run->doc == NULL)
		return;
	err = roost_sealed_to_epoch(run->doc, peek, &epoch);
	if (err != ROOST_OK)
		count_unread(run, mail, roost_err_phrase(err));
	else if (epoch != 0 &&
		 epoch != run->doc->epochs[run->doc->epoch_count - 1].number)
		run->box.old_epoch++;
}

static int
count_message(struct mail *mail, void *context)
{
	struct count_run *run = context;
	struct roost_peek peek;

	if (roost_inspect_peek(mail, &peek) > 0) {
		run->box.messages++;
		count_peeked(run, mail, &peek);
	} else if (!mail->expunged) {
		run->box.messages++;
		count_unread(run, mail, "its file cannot be read");
	}
	return 0;
}

static int
count_mailbox(struct mailbox *box, void *context)
{
	struct count_run *run = context;
	struct roost_count *count = run->count;

	i_zero(&run->box);
	if (roost_walk_messages(run->ctx, box, count_message, run) < 0)
		return -1;
	run->box.vname = p_strdup(count->pool, mailbox_get_vname(box));
	array_push_back(&count->boxes, &run->box);
	count->all.messages += run->box.messages;
	count->all.unsealed += run->box.unsealed;
	count->all.old_epoch += run->box.old_epoch;
	count->all.crypted += run->box.crypted;
	return 0;
}

bool
roost_count_takes(const struct mail_namespace *ns,
		  const struct mail_namespace *other)
{
	return roost_walk_is_storing(other) &&
		(other == ns || (ns->owner != NULL &&
				 other->owner == ns->owner));
}

int
roost_count_mail(struct doveadm_mail_cmd_context *ctx,
		 struct mail_namespace *ns, const struct roost_ring *ring,
		 struct roost_count *count_r, const char **error_r)
{
	struct count_run run = {
		.ctx = ctx, .count = count_r,
		.doc = ring == NULL ? NULL : roost_ring_doc(ring),
	};
	const struct roost_walk walk = {
		.ctx = ctx, .visit = count_mailbox, .context = &run,
		.flags = MAILBOX_FLAG_READONLY,
	};
	struct mail_namespace *other;
	const char *error;
	int ret = 0;

	i_zero(count_r);
	count_r->all.vname = "*";
	count_r->pool = pool_alloconly_create("roost count", 1024);
	p_array_init(&count_r->boxes, count_r->pool, 16);
	for (other = ns->user->namespaces; other != NULL;
	     other = other->next) {
		if (roost_count_takes(ns, other) &&
		    roost_walk_namespace(&walk, other, &error) < 0) {
			*error_r = error;
			ret = -1;
		}
	}
	if (ret == 0 && run.is_unread) {
		*error_r = "Not every message could be looked at; each is "
			"named above";
		ret = -1;
	}
	return ret;
}

void
roost_count_free(struct roost_count *count)
{
	if (count->pool != NULL)
		pool_unref(&count->pool);
}

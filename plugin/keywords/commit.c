/* SPDX-License-Identifier: MIT */
/*
 * commit: the last check of an index transaction.  See commit.h.
 */
#include "keywords/commit.h"

struct keyword_trans {
	union mail_index_transaction_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_commit_module,
				  &mail_index_module_register);
#define KEYWORD_TRANS(t) \
	((struct keyword_trans *)MODULE_CONTEXT_REQUIRE( \
		t, roost_keyword_commit_module))

static bool
has_any(const ARRAY_TYPE(seq_range) *seqs)
{
	return array_is_created(seqs) && array_count(seqs) > 0;
}

void
roost_keyword_commit_used(struct mail_index_transaction *t,
			  ARRAY_TYPE(keyword_indexes) *used_r)
{
	const struct mail_index_transaction_keyword_update *updates;
	unsigned int i, count;

	t_array_init(used_r, 8);
	if (!array_is_created(&t->keyword_updates))
		return;
	updates = array_get(&t->keyword_updates, &count);
	for (i = 0; i < count; i++) {
		if (has_any(&updates[i].add_seq) ||
		    has_any(&updates[i].remove_seq))
			array_push_back(used_r, &i);
	}
}

/* The mailbox that the transaction belongs to.  That of a synchronization does
   not say so, and any mailbox that has the index open will do. */
static struct roost_keyword_box *
trans_box(struct mail_index_transaction *t, struct roost_keyword_index *kindex)
{
	struct mailbox_transaction_context *mt = MAIL_STORAGE_CONTEXT(t);

	return mt == NULL ? *roost_keyword_index_boxes(kindex) :
		roost_keyword_box_get(mt->box);
}

static int
trans_prepare(struct mail_index_transaction *t)
{
	struct roost_keyword_index *kindex =
		roost_keyword_index_find(t->view->index);
	struct roost_keyword_box *kbox = trans_box(t, kindex);
	ARRAY_TYPE(keyword_indexes) used;
	const unsigned int *idx;
	const char *error;

	roost_keyword_commit_used(t, &used);
	if (kbox == NULL || kbox->kindex != kindex || array_count(&used) == 0)
		return 0;
	roost_keyword_box_sync(kbox);
	array_foreach(&used, idx)
		roost_keyword_index_spell_as_header(kindex, *idx);
	if (roost_keyword_box_prepare(kbox, &used, &error) ==
	    ROOST_KEYWORD_BARE) {
		mail_index_set_error(t->view->index, "roost: Cannot make a "
			"token of a private keyword, so nothing is stored: %s",
			error == NULL ? "its name is too long" : error);
		return -1;
	}
	return 0;
}

static int
keyword_trans_commit(struct mail_index_transaction *t,
		     struct mail_index_transaction_commit_result *result_r)
{
	struct keyword_trans *ktrans = KEYWORD_TRANS(t);
	struct mail_index_transaction_vfuncs super = ktrans->module_ctx.super;
	int ret;

	T_BEGIN {
		ret = trans_prepare(t);
	} T_END;
	i_free(ktrans);
	if (ret < 0) {
		super.rollback(t);
		return -1;
	}
	return super.commit(t, result_r);
}

static void
keyword_trans_rollback(struct mail_index_transaction *t)
{
	struct keyword_trans *ktrans = KEYWORD_TRANS(t);
	struct mail_index_transaction_vfuncs super = ktrans->module_ctx.super;

	i_free(ktrans);
	super.rollback(t);
}

void
roost_keyword_commit_created(struct mail_index_transaction *t)
{
	struct mail_index_transaction_vfuncs *v =
		t->vlast != NULL ? t->vlast : &t->v;
	struct keyword_trans *ktrans;

	/* For the first hook it is NULL.  Dovecot calls the functions that it
	   points to once a hook has set it. */
	t->vlast = v;
	if (roost_keyword_index_find(t->view->index) == NULL)
		return;
	ktrans = i_new(struct keyword_trans, 1);
	ktrans->module_ctx.super = *v;
	t->vlast = &ktrans->module_ctx.super;
	v->commit = keyword_trans_commit;
	v->rollback = keyword_trans_rollback;
	MODULE_CONTEXT_SET(t, roost_keyword_commit_module, ktrans);
}

/* SPDX-License-Identifier: MIT */
/*
 * flags-tally: keywords and how many messages have each.  See flags-tally.h.
 *
 * Keywords are read through the mail's own functions and never from the
 * index, which holds tokens in the place of names.
 */
#include "doveadm/flags-tally.h"

#include "str-sanitize.h"

#include "doveadm/walk.h"

struct roost_flags_tally *
roost_flags_tally_new(void)
{
	pool_t pool = pool_alloconly_create("roost flags", 4096);
	struct roost_flags_tally *tally =
		p_new(pool, struct roost_flags_tally, 1);

	tally->pool = pool;
	hash_table_create(&tally->hash, pool, 0, strcase_hash, strcasecmp);
	p_array_init(&tally->names, pool, 32);
	return tally;
}

void
roost_flags_tally_free(struct roost_flags_tally **_tally)
{
	struct roost_flags_tally *tally = *_tally;

	if (tally == NULL)
		return;
	*_tally = NULL;
	hash_table_destroy(&tally->hash);
	pool_unref(&tally->pool);
}

void
roost_flags_tally_add(struct roost_flags_tally *tally, const char *name,
		      unsigned int count)
{
	struct roost_flags_name *found =
		hash_table_lookup(tally->hash, name);

	if (found == NULL) {
		found = p_new(tally->pool, struct roost_flags_name, 1);
		found->name = p_strdup(tally->pool, name);
		hash_table_insert(tally->hash, found->name, found);
		array_push_back(&tally->names, &found);
	}
	found->count += count;
}

static int
name_cmp(struct roost_flags_name *const *a, struct roost_flags_name *const *b)
{
	return strcasecmp((*a)->name, (*b)->name);
}

void
roost_flags_tally_sort(struct roost_flags_tally *tally)
{
	array_sort(&tally->names, name_cmp);
}

void
roost_flags_tally_known(struct roost_flags_tally *tally, struct mailbox *box)
{
	struct mailbox_status status;
	const char *const *name;

	mailbox_get_open_status(box, STATUS_KEYWORDS, &status);
	array_foreach(status.keywords, name)
		roost_flags_tally_add(tally, *name, 0);
}

static int
tally_message(struct mail *mail, void *context)
{
	struct roost_flags_tally *tally = context;
	const char *const *names;

	for (names = mail_get_keywords(mail); *names != NULL; names++)
		roost_flags_tally_add(tally, *names, 1);
	return 0;
}

int
roost_flags_tally_mailbox(struct doveadm_mail_cmd_context *ctx,
			  struct roost_flags_tally *tally, struct mailbox *box)
{
	int ret = 0;

	roost_flags_tally_known(tally, box);
	if (array_count(&tally->names) > 0)
		ret = roost_walk_messages(ctx, box, tally_message, tally);
	roost_flags_tally_sort(tally);
	return ret;
}

void
roost_flags_print(const char *name)
{
	doveadm_print(str_sanitize_utf8(name, ROOST_FLAGS_SHOWN_MAX));
}

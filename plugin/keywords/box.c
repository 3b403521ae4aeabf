/* SPDX-License-Identifier: MIT */
/*
 * box: keywords of a mailbox.  See box.h.
 */
#include "keywords/box.h"

#include "llist.h"

#include "session/storage.h"

#define CLIENT_FORGED "Keywords may not begin with "ROOST_TOKEN_PREFIX
#define CLIENT_TOO_LONG "Keyword length too long"

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_box_module,
				  &mail_storage_module_register);

struct roost_keyword_box *
roost_keyword_box_get(struct mailbox *box)
{
	struct roost_keyword_box *kb =
		MODULE_CONTEXT(box, roost_keyword_box_module);

	return kb;
}

/* Where sealed messages may lie; and virtual mailboxes, whose index holds the
   names of others'.  Elsewhere names are kept by another server, or by a file
   that other software reads. */
static bool
storage_is_ours(const struct mail_storage *storage)
{
	return strcmp(storage->name, "virtual") == 0 ||
		roost_storage_can_seal(storage);
}

struct roost_keyword_box *
roost_keyword_box_new(struct mailbox *box)
{
	struct roost_keyword_box *kb;

	if (!storage_is_ours(box->storage))
		return NULL;
	kb = p_new(box->pool, struct roost_keyword_box, 1);
	kb->box = box;
	kb->ruser = roost_user_get(box->storage->user);
	MODULE_CONTEXT_SET(box, roost_keyword_box_module, kb);
	return kb;
}

bool
roost_keyword_box_is_raw(const struct roost_keyword_box *kb)
{
	return kb->box->storage->user->dsyncing;
}

/* In somebody else's mailbox the visitor's own roost_enable does not count:
   as for messages. */
static enum roost_keywords
box_mode(const struct roost_keyword_box *kb)
{
	const struct roost_config *config;
	struct mail_namespace *ns = mailbox_get_namespace(kb->box);

	if (kb->ruser == NULL)
		return ROOST_KEYWORDS_OFF;
	config = roost_user_config(kb->ruser);
	if (config->enable == ROOST_ENABLE_NO &&
	    ns->owner == kb->box->storage->user)
		return ROOST_KEYWORDS_OFF;
	return config->keywords;
}

static void
box_take_key(struct roost_keyword_box *kb, struct roost_ring *ring)
{
	kb->key = roost_ring_token_key(ring);
	kb->ring = ring;
}

/* The keyring that is there: without it tokens are shown as they are. */
static void
box_find_key(struct roost_keyword_box *kb)
{
	struct roost_ring *ring;
	const char *error;
	int ret;

	ret = roost_user_ring(kb->ruser, mailbox_get_namespace(kb->box), &ring,
			      &error);
	if (ret > 0)
		box_take_key(kb, ring);
	else if (ret < 0 && roost_user_log_once(kb->ruser, error))
		e_error(kb->box->event, "roost: Names of keywords cannot be "
			"shown: %s", error);
}

static void
box_sync_as(struct roost_keyword_box *kb, enum roost_keywords mode)
{
	const struct roost_keyword_way way = {
		.box = kb->box, .key = kb->key, .mode = mode
	};

	roost_keyword_index_sync(kb->ki, &way);
}

/* Each keyword is asked for once. */
static bool
box_wants_key(struct roost_keyword_box *kb, enum roost_keywords mode)
{
	unsigned int from = kb->asked_count;

	if (kb->key != NULL || kb->ruser == NULL)
		return FALSE;
	kb->asked_count = array_count(&kb->box->index->keywords);
	return roost_keyword_index_wants_key(kb->ki, from, mode);
}

void
roost_keyword_box_sync(struct roost_keyword_box *kb)
{
	enum roost_keywords mode;

	if (kb->ki == NULL)
		return;
	mode = box_mode(kb);
	if (box_wants_key(kb, mode))
		box_find_key(kb);
	box_sync_as(kb, mode);
}

void
roost_keyword_box_opened(struct roost_keyword_box *kb)
{
	if (kb->ki != NULL || kb->box->index == NULL)
		return;
	/* Who has no Roost must not find what others have opened, and leaves
	   no more behind. */
	if (kb->ruser == NULL) {
		kb->ki = roost_keyword_index_find(kb->box->index);
		if (kb->ki != NULL)
			box_sync_as(kb, ROOST_KEYWORDS_OFF);
		kb->ki = NULL;
		return;
	}
	kb->ki = roost_keyword_index_get(kb->box->index);
	DLLIST_PREPEND(roost_keyword_index_boxes(kb->ki), kb);
	roost_keyword_box_sync(kb);
}

void
roost_keyword_box_closing(struct roost_keyword_box *kb)
{
	if (kb->ki != NULL)
		DLLIST_REMOVE(roost_keyword_index_boxes(kb->ki), kb);
	kb->ki = NULL;
	kb->asked_count = 0;
	if (kb->fitting != NULL)
		mail_index_keywords_unref(&kb->fitting);
	if (kb->added != NULL)
		mail_index_keywords_unref(&kb->added);
}

/* Leave in used what must not be stored. */
static enum roost_keyword_fault
box_filter(struct roost_keyword_box *kb, enum roost_keywords mode,
	   ARRAY_TYPE(keyword_indexes) *used)
{
	const struct roost_keyword_way way = {
		.box = kb->box, .key = kb->key, .mode = mode
	};
	enum roost_keyword_fault fault, worst = ROOST_KEYWORD_OK;
	unsigned int i, idx;

	for (i = array_count(used); i > 0; i--) {
		idx = *array_idx(used, i - 1);
		fault = roost_keyword_index_check(kb->ki, &way, idx);
		/* What replication brings is from a disk. */
		if (fault == ROOST_KEYWORD_FORGED &&
		    roost_keyword_box_is_raw(kb))
			fault = ROOST_KEYWORD_OK;
		if (fault == ROOST_KEYWORD_OK)
			array_delete(used, i - 1, 1);
		else if (worst != ROOST_KEYWORD_BARE)
			worst = fault;
	}
	return worst;
}

/* The key to make tokens with: 1; 0 where names are stored as they are. */
static int
box_need_key(struct roost_keyword_box *kb, const char **error_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(kb->box);
	struct roost_ring *ring;
	int ret;

	if (roost_user_config(kb->ruser)->enable == ROOST_ENABLE_YES)
		ret = roost_user_seal_ring(kb->ruser, ns, &ring,
					   error_r) < 0 ? -1 : 1;
	else
		ret = roost_user_ring(kb->ruser, ns, &ring, error_r);
	if (ret > 0)
		box_take_key(kb, ring);
	return ret;
}

enum roost_keyword_fault
roost_keyword_box_prepare(struct roost_keyword_box *kb,
			  ARRAY_TYPE(keyword_indexes) *used,
			  const char **error_r)
{
	enum roost_keywords mode = box_mode(kb);
	enum roost_keyword_fault fault;
	int ret;

	*error_r = NULL;
	roost_keyword_box_sync(kb);
	fault = box_filter(kb, mode, used);
	if (fault != ROOST_KEYWORD_BARE)
		return fault;
	if (kb->key != NULL) {
		/* It stood on disk when tokens were made, and no longer does:
		   an index is rebuilt without the names that nothing has. */
		roost_keyword_index_seal_again(kb->ki);
		box_sync_as(kb, mode);
		return box_filter(kb, mode, used);
	}
	ret = box_need_key(kb, error_r);
	if (ret < 0)
		return fault;
	if (ret > 0)
		box_sync_as(kb, mode);
	return box_filter(kb, ret > 0 ? mode : ROOST_KEYWORDS_OFF, used);
}

int
roost_keyword_box_refuse(struct roost_keyword_box *kb, const char *error)
{
	mailbox_set_critical(kb->box, "roost: Cannot make a token of a "
			     "private keyword, so nothing is stored: %s",
			     error);
	return -1;
}

static bool
box_has_token(const struct roost_keyword_box *kb,
	      const ARRAY_TYPE(keyword_indexes) *used)
{
	const ARRAY_TYPE(keywords) *stored = &kb->box->index->keywords;
	const unsigned int *idx;

	array_foreach(used, idx) {
		const char *name = array_idx_elem(stored, *idx);

		if (roost_token_is_claimed(name, strlen(name)))
			return TRUE;
	}
	return FALSE;
}

int
roost_keyword_box_check_ring(struct roost_keyword_box *kb,
			     const ARRAY_TYPE(keyword_indexes) *used)
{
	const char *error;

	/* What replication brings is of no keyring of ours. */
	if (kb->ring == NULL || roost_keyword_box_is_raw(kb) ||
	    !box_has_token(kb, used) ||
	    roost_user_renew_ring(kb->ruser, kb->ring, &error) == 0)
		return 0;
	return roost_keyword_box_refuse(kb, error);
}

int
roost_keyword_box_check(struct roost_keyword_box *kb,
			ARRAY_TYPE(keyword_indexes) *used)
{
	const char *error;

	switch (roost_keyword_box_prepare(kb, used, &error)) {
	case ROOST_KEYWORD_OK:
		return 0;
	case ROOST_KEYWORD_FORGED:
		mail_storage_set_error(kb->box->storage, MAIL_ERROR_PARAMS,
				       CLIENT_FORGED);
		return -1;
	case ROOST_KEYWORD_BARE:
		break;
	}
	if (error != NULL)
		return roost_keyword_box_refuse(kb, error);
	mail_storage_set_error(kb->box->storage, MAIL_ERROR_PARAMS,
			       CLIENT_TOO_LONG);
	return -1;
}

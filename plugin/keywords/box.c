/* SPDX-License-Identifier: MIT */
/*
 * box: a mailbox whose keywords have private names.  See box.h.
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
	struct roost_keyword_box *kbox =
		MODULE_CONTEXT(box, roost_keyword_box_module);

	return kbox;
}

/* Names are private where sealed messages can lie, and in virtual mailboxes,
   whose index holds the names of those mailboxes.  Elsewhere another server
   keeps the names, or a file that other software reads. */
static bool
storage_is_ours(const struct mail_storage *storage)
{
	return strcmp(storage->name, "virtual") == 0 ||
		roost_storage_can_seal(storage);
}

struct roost_keyword_box *
roost_keyword_box_new(struct mailbox *box)
{
	struct roost_keyword_box *kbox;

	if (!storage_is_ours(box->storage))
		return NULL;
	kbox = p_new(box->pool, struct roost_keyword_box, 1);
	kbox->box = box;
	kbox->ruser = roost_user_get(box->storage->user);
	MODULE_CONTEXT_SET(box, roost_keyword_box_module, kbox);
	return kbox;
}

bool
roost_keyword_box_is_replicating(const struct roost_keyword_box *kbox)
{
	return kbox->box->storage->user->dsyncing;
}

/* In somebody else's mailbox the visitor's own roost_enable does not count, as
   it does not for messages. */
static enum roost_keywords
box_mode(const struct roost_keyword_box *kbox)
{
	const struct roost_config *config;
	struct mail_namespace *ns = mailbox_get_namespace(kbox->box);

	if (kbox->ruser == NULL)
		return ROOST_KEYWORDS_OFF;
	config = roost_user_config(kbox->ruser);
	if (config->enable == ROOST_ENABLE_NO &&
	    ns->owner == kbox->box->storage->user)
		return ROOST_KEYWORDS_OFF;
	return config->keywords;
}

static void
box_take_key(struct roost_keyword_box *kbox, struct roost_ring *ring)
{
	kbox->key = roost_ring_token_key(ring);
	kbox->ring = ring;
}

/* Look for the key in the keyring that is there.  Without one, tokens are
   shown as they are. */
static void
box_find_key(struct roost_keyword_box *kbox)
{
	struct roost_ring *ring;
	const char *error;
	int ret;

	ret = roost_user_ring(kbox->ruser, mailbox_get_namespace(kbox->box),
			      &ring,
			      &error);
	if (ret > 0)
		box_take_key(kbox, ring);
	else if (ret < 0 && roost_user_log_once(kbox->ruser, error))
		e_error(kbox->box->event, "roost: Names of keywords cannot be "
			"shown: %s", error);
}

static void
box_sync_as(struct roost_keyword_box *kbox, enum roost_keywords mode)
{
	const struct roost_keyword_access access = {
		.box = kbox->box, .key = kbox->key, .mode = mode
	};

	roost_keyword_index_sync(kbox->kindex, &access);
}

/* Should a key be looked for?  Each keyword is a reason to only once. */
static bool
box_wants_key(struct roost_keyword_box *kbox, enum roost_keywords mode)
{
	unsigned int from = kbox->asked_count;

	if (kbox->key != NULL || kbox->ruser == NULL)
		return FALSE;
	kbox->asked_count = array_count(&kbox->box->index->keywords);
	return roost_keyword_index_wants_key(kbox->kindex, from, mode);
}

void
roost_keyword_box_sync(struct roost_keyword_box *kbox)
{
	enum roost_keywords mode;

	if (kbox->kindex == NULL ||
	    roost_keyword_index_is_synced(kbox->kindex, kbox))
		return;
	mode = box_mode(kbox);
	if (box_wants_key(kbox, mode))
		box_find_key(kbox);
	box_sync_as(kbox, mode);
	roost_keyword_index_set_synced(kbox->kindex, kbox);
}

void
roost_keyword_box_opened(struct roost_keyword_box *kbox)
{
	if (kbox->kindex != NULL || kbox->box->index == NULL)
		return;
	/* A user without Roost must not find names that another user's key has
	   opened in this process, so they are forgotten. */
	if (kbox->ruser == NULL) {
		kbox->kindex = roost_keyword_index_find(kbox->box->index);
		if (kbox->kindex != NULL)
			box_sync_as(kbox, ROOST_KEYWORDS_OFF);
		kbox->kindex = NULL;
		return;
	}
	kbox->kindex = roost_keyword_index_get(kbox->box->index);
	DLLIST_PREPEND(roost_keyword_index_boxes(kbox->kindex), kbox);
	roost_keyword_box_sync(kbox);
}

void
roost_keyword_box_forget(struct roost_keyword_change *change)
{
	if (change->asked != NULL)
		mail_index_keywords_unref(&change->asked);
	if (change->fitting != NULL)
		mail_index_keywords_unref(&change->fitting);
}

void
roost_keyword_box_closing(struct roost_keyword_box *kbox)
{
	unsigned int i;

	if (kbox->kindex != NULL) {
		DLLIST_REMOVE(roost_keyword_index_boxes(kbox->kindex), kbox);
		roost_keyword_index_set_synced(kbox->kindex, NULL);
	}
	kbox->kindex = NULL;
	kbox->asked_count = 0;
	for (i = 0; i < ROOST_KEYWORD_CHANGES; i++)
		roost_keyword_box_forget(&kbox->changes[i]);
	if (kbox->added != NULL)
		mail_index_keywords_unref(&kbox->added);
}

/* Take from used all positions that may be stored.  Returns the worst fault of
   those that are left. */
static enum roost_keyword_fault
box_filter(struct roost_keyword_box *kbox, enum roost_keywords mode,
	   ARRAY_TYPE(keyword_indexes) *used)
{
	const struct roost_keyword_access access = {
		.box = kbox->box, .key = kbox->key, .mode = mode
	};
	enum roost_keyword_fault fault, worst = ROOST_KEYWORD_OK;
	unsigned int i, idx;

	for (i = array_count(used); i > 0; i--) {
		idx = *array_idx(used, i - 1);
		fault = roost_keyword_index_check(kbox->kindex, &access, idx);
		/* No client made up what replication brings. */
		if (fault == ROOST_KEYWORD_FORGED &&
		    roost_keyword_box_is_replicating(kbox))
			fault = ROOST_KEYWORD_OK;
		if (fault == ROOST_KEYWORD_OK)
			array_delete(used, i - 1, 1);
		else if (worst != ROOST_KEYWORD_BARE)
			worst = fault;
	}
	return worst;
}

/* Get the key to make tokens with: 1; or 0 where there is none and names are
   stored in clear; or -1 with error_r. */
static int
box_need_key(struct roost_keyword_box *kbox, const char **error_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(kbox->box);
	struct roost_ring *ring;
	int ret;

	if (roost_user_config(kbox->ruser)->enable == ROOST_ENABLE_YES)
		ret = roost_user_seal_ring(kbox->ruser, ns, &ring,
					   error_r) < 0 ? -1 : 1;
	else
		ret = roost_user_ring(kbox->ruser, ns, &ring, error_r);
	if (ret > 0)
		box_take_key(kbox, ring);
	return ret;
}

enum roost_keyword_fault
roost_keyword_box_prepare(struct roost_keyword_box *kbox,
			  ARRAY_TYPE(keyword_indexes) *used,
			  const char **error_r)
{
	enum roost_keywords mode = box_mode(kbox);
	enum roost_keyword_fault fault;
	int ret;

	*error_r = NULL;
	roost_keyword_box_sync(kbox);
	fault = box_filter(kbox, mode, used);
	if (fault != ROOST_KEYWORD_BARE)
		return fault;
	if (kbox->key != NULL) {
		/* The name was on disk in clear when tokens were made, and no
		   longer is, because a rebuilt index has only the names that
		   messages have. */
		roost_keyword_index_recheck(kbox->kindex);
		box_sync_as(kbox, mode);
		return box_filter(kbox, mode, used);
	}
	ret = box_need_key(kbox, error_r);
	if (ret < 0)
		return fault;
	if (ret > 0)
		box_sync_as(kbox, mode);
	return box_filter(kbox, ret > 0 ? mode : ROOST_KEYWORDS_OFF, used);
}

int
roost_keyword_box_refuse(struct roost_keyword_box *kbox, const char *error)
{
	mailbox_set_critical(kbox->box, "roost: Cannot make a token of a "
			     "private keyword, so nothing is stored: %s",
			     error);
	return -1;
}

static bool
box_has_token(const struct roost_keyword_box *kbox,
	      const ARRAY_TYPE(keyword_indexes) *used)
{
	const ARRAY_TYPE(keywords) *stored = &kbox->box->index->keywords;
	const unsigned int *idx;

	array_foreach(used, idx) {
		const char *name = array_idx_elem(stored, *idx);

		if (roost_token_is_claimed(name, strlen(name)))
			return TRUE;
	}
	return FALSE;
}

int
roost_keyword_box_check_ring(struct roost_keyword_box *kbox,
			     const ARRAY_TYPE(keyword_indexes) *used)
{
	const char *error;

	/* The tokens that replication brings were not made with this ring. */
	if (kbox->ring == NULL || roost_keyword_box_is_replicating(kbox) ||
	    !box_has_token(kbox, used) ||
	    roost_user_renew_ring(kbox->ruser, kbox->ring, &error) == 0)
		return 0;
	return roost_keyword_box_refuse(kbox, error);
}

int
roost_keyword_box_check(struct roost_keyword_box *kbox,
			ARRAY_TYPE(keyword_indexes) *used)
{
	const char *error;

	switch (roost_keyword_box_prepare(kbox, used, &error)) {
	case ROOST_KEYWORD_OK:
		return 0;
	case ROOST_KEYWORD_FORGED:
		mail_storage_set_error(kbox->box->storage, MAIL_ERROR_PARAMS,
				       CLIENT_FORGED);
		return -1;
	case ROOST_KEYWORD_BARE:
		break;
	}
	if (error != NULL)
		return roost_keyword_box_refuse(kbox, error);
	mail_storage_set_error(kbox->box->storage, MAIL_ERROR_PARAMS,
			       CLIENT_TOO_LONG);
	return -1;
}

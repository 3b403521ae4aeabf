/* SPDX-License-Identifier: MIT */
/*
 * handover: tokens on their way from one index to another.  See handover.h.
 */
#include "keywords/handover.h"

/* The storage's settings as the admin made them, which bind clients, and a copy
   with the raised limit. */
struct keyword_limit {
	union mail_storage_module_context module_ctx;
	const struct mail_storage_settings *client, *raised;
};

/* Which virtual mailbox of the user is being synchronized; NULL: none. */
struct keyword_user {
	union mail_user_module_context module_ctx;
	struct roost_keyword_box *syncing;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_limit_module,
				  &mail_storage_module_register);
static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_user_module,
				  &mail_user_module_register);

static struct keyword_limit *
limit_get(struct mail_storage *storage)
{
	struct keyword_limit *limit =
		MODULE_CONTEXT(storage, roost_keyword_limit_module);
	struct mail_storage_settings *raised;

	if (limit != NULL)
		return limit;
	limit = p_new(storage->pool, struct keyword_limit, 1);
	limit->client = storage->set;
	raised = p_memdup(storage->pool, storage->set, sizeof(*raised));
	raised->mail_max_keyword_length =
		I_MAX(raised->mail_max_keyword_length, ROOST_TOKEN_MAX);
	limit->raised = raised;
	MODULE_CONTEXT_SET(storage, roost_keyword_limit_module, limit);
	return limit;
}

void
roost_keyword_handover_raise_limit(struct mail_storage *storage)
{
	storage->set = limit_get(storage)->raised;
}

bool
roost_keyword_handover_may_store(struct mailbox *box, const char *name)
{
	const struct mail_storage_settings *set = box->storage->set;
	const char *error;
	bool is_valid;

	if (roost_token_is_claimed(name, strlen(name)))
		roost_keyword_handover_raise_limit(box->storage);
	is_valid = mailbox_keyword_is_valid(box, name, &error);
	box->storage->set = set;
	return is_valid;
}

static struct keyword_user *
keyword_user_get(struct mail_user *user)
{
	struct keyword_user *kuser =
		MODULE_CONTEXT(user, roost_keyword_user_module);

	if (kuser == NULL) {
		kuser = p_new(user->pool, struct keyword_user, 1);
		MODULE_CONTEXT_SET(user, roost_keyword_user_module, kuser);
	}
	return kuser;
}

void
roost_keyword_handover_begin(struct roost_keyword_box *kbox)
{
	struct mail_user *user = kbox->box->storage->user;
	struct mail_storage *storage;

	keyword_user_get(user)->syncing = kbox;
	for (storage = user->storages; storage != NULL;
	     storage = storage->next)
		roost_keyword_handover_raise_limit(storage);
}

void
roost_keyword_handover_end(struct roost_keyword_box *kbox)
{
	struct mail_user *user = kbox->box->storage->user;
	struct mail_storage *storage;

	keyword_user_get(user)->syncing = NULL;
	for (storage = user->storages; storage != NULL && !user->dsyncing;
	     storage = storage->next)
		storage->set = limit_get(storage)->client;
}

bool
roost_keyword_handover_name(struct roost_keyword_box *kbox, const char *stored,
			    const char **name_r)
{
	struct roost_keyword_box *syncing =
		keyword_user_get(kbox->box->storage->user)->syncing;

	if (syncing == NULL || syncing == kbox || syncing->kindex == NULL)
		return FALSE;
	*name_r = roost_keyword_index_name(syncing->kindex, stored);
	if (strcasecmp(*name_r, stored) == 0)
		*name_r = NULL;
	return TRUE;
}

/* SPDX-License-Identifier: MIT */
/*
 * box: what Dovecot is told to cache, and not to.  See box.h.
 *
 * A forced decision "no" is stronger than settings, than what the file says,
 * and than other processes: Dovecot drops the field when it purges the file,
 * and leaves it behind when it copies a message.
 */
#include "cache/box.h"

#include "index-mail.h"
#include "index-storage.h"
#include "mail-cache-private.h"

#include "session/leaks.h"
#include "session/named-object.h"
#include "session/storage.h"

#include "roost/blob.h"

#define FIELD_NEW "roost.new"
#define FIELD_NONE "roost.none"

static const char *const fields_own[CACHE_BLOB_COUNT] = {
	[CACHE_BLOB_FACTS] = "roost.own",
	[CACHE_BLOB_SUMMARY] = "roost.own.summary",
	[CACHE_BLOB_PREVIEW] = "roost.own.preview",
	[CACHE_BLOB_HEADERS] = "roost.own.headers",
	[CACHE_BLOB_LISTING] = "roost.own.listing",
};

#define DECISION_NEVER (MAIL_CACHE_DECISION_NO | MAIL_CACHE_DECISION_FORCED)
#define DECISION_ALWAYS (MAIL_CACHE_DECISION_YES | MAIL_CACHE_DECISION_FORCED)

static MODULE_CONTEXT_DEFINE_INIT(roost_cache_module,
				  &mail_storage_module_register);

struct roost_cache_box *
roost_cache_box_get(struct mailbox *box)
{
	struct roost_cache_box *cbox =
		MODULE_CONTEXT(box, roost_cache_module);

	return cbox;
}

static void
cache_box_free(struct mailbox *box)
{
	struct roost_cache_box *cbox = roost_cache_box_get(box);

	array_free(&cbox->ignored);
	array_free(&cbox->standard);
	array_free(&cbox->telling);
	cbox->module_ctx.super.free(box);
}

static unsigned int
standard_count(void)
{
	unsigned int count = 0;

	while (roost_blob_standard_names[count] != NULL)
		count++;
	return count;
}

bool
roost_cache_box_name_is_standard(const char *name)
{
	return roost_lines_name_is_any(name, strlen(name),
				       roost_blob_standard_names,
				       standard_count());
}

bool
roost_cache_box_field_is_standard(struct roost_cache_box *cbox,
				  const char *name, unsigned int field_idx)
{
	uint8_t *known = array_idx_get_space(&cbox->standard, field_idx);

	if (*known == 0)
		*known = roost_cache_box_name_is_standard(name) ? 1 : 2;
	return *known == 1;
}

/* List the standard names and those of the setting, extra, sorted, each
   once. */
static void
cache_box_add_names(struct roost_cache_box *cbox, const char *const *extra)
{
	const char *const *standard = roost_blob_standard_names;
	string_t *extra_names = t_str_new(64);
	ARRAY_TYPE(const_string) names;
	const char *last = "";

	p_array_init(&names, cbox->box->pool, 64);
	for (; *standard != NULL; standard++)
		array_push_back(&names, standard);
	for (; *extra != NULL; extra++) {
		if (roost_cache_box_name_is_standard(*extra) ||
		    strcasecmp(last, *extra) == 0)
			continue;
		last = *extra;
		array_push_back(&names, extra);
		str_printfa(extra_names, "%s\n", *extra);
	}
	array_sort(&names, i_strcasecmp_p);
	cbox->name_count = array_count(&names);
	array_append_zero(&names);
	cbox->names = array_front(&names);
	cbox->extra_names = p_strdup(cbox->box->pool, str_c(extra_names));
}

static void
cache_box_names(struct roost_cache_box *cbox)
{
	const char *const *extra =
		roost_user_config(cbox->ruser)->cache_headers;

	if (*extra != NULL) {
		cache_box_add_names(cbox, extra);
		return;
	}
	/* They are sorted, and mostly all. */
	cbox->names = roost_blob_standard_names;
	cbox->name_count = standard_count();
	cbox->extra_names = "";
}

/* Register a field and return its number.  A field that is as it should be is
   left alone, because Dovecot writes to the file for each that is
   registered. */
static unsigned int
cache_box_register(struct mail_cache *cache, const char *name,
		   enum mail_cache_decision_type decision)
{
	struct mail_cache_field field = {
		.name = name,
		.type = MAIL_CACHE_FIELD_VARIABLE_SIZE,
		.decision = decision,
	};
	unsigned int idx = mail_cache_register_lookup(cache, name);

	if (idx != UINT_MAX &&
	    mail_cache_register_get_field(cache, idx)->decision == decision)
		return idx;
	roost_cache_register(cache, &field, 1);
	return field.idx;
}

static void
cache_box_register_blobs(struct roost_cache_box *cbox)
{
	struct mail_cache *cache = cbox->box->cache;
	unsigned int blob;

	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++)
		cbox->field_own[blob] = cache_box_register(cache,
					fields_own[blob], DECISION_ALWAYS);
	cbox->field_new = cache_box_register(cache, FIELD_NEW,
					     DECISION_ALWAYS);
	cbox->field_object = cache_box_register(cache,
						ROOST_NAMED_OBJECT_FIELD,
						DECISION_ALWAYS);
}

/*
 * Make Dovecot look for a field that no message has instead of its own.  A
 * field that is forbidden is not written but still read, and what somebody put
 * there would be used: the parts of a message, say, tell where to cut it.
 */
static void
cache_box_blind(struct mailbox *box)
{
	static const enum index_cache_field fields[] = {
		MAIL_CACHE_SENT_DATE, MAIL_CACHE_IMAP_BODY,
		MAIL_CACHE_IMAP_BODYSTRUCTURE, MAIL_CACHE_IMAP_ENVELOPE,
		MAIL_CACHE_MESSAGE_PARTS, MAIL_CACHE_BINARY_PARTS,
		MAIL_CACHE_BODY_SNIPPET,
	};
	struct index_mailbox_context *ibox = INDEX_STORAGE_CONTEXT(box);
	unsigned int none = cache_box_register(box->cache, FIELD_NONE,
					       DECISION_NEVER);
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(fields); i++)
		ibox->cache_fields[fields[i]].idx = none;
}

/* All fields are gone through for each message. */
static bool
cache_box_field_is_telling(struct roost_cache_box *cbox, const char *name,
			   unsigned int idx)
{
	uint8_t *known = array_idx_get_space(&cbox->telling, idx);

	if (*known == 0)
		*known = roost_leaks_field_is_telling(name) ? 1 : 2;
	return *known == 1;
}

static void
cache_forbid_field(struct roost_cache_box *cbox, unsigned int idx)
{
	struct mail_cache *cache = cbox->box->cache;
	struct mail_cache_field field =
		*mail_cache_register_get_field(cache, idx);

	if (field.decision == DECISION_NEVER ||
	    !cache_box_field_is_telling(cbox, field.name, idx))
		return;
	if (field.decision == MAIL_CACHE_DECISION_NO) {
		/* The field is not written anyway, so the decision need not
		   go to the file. */
		cache->fields[idx].field.decision = DECISION_NEVER;
		return;
	}
	field.decision = DECISION_NEVER;
	roost_cache_register(cache, &field, 1);
}

static void
cache_box_forbid(struct roost_cache_box *cbox)
{
	struct mail_cache *cache = cbox->box->cache;
	unsigned int i;

	for (i = 0; i < cache->fields_count; i++)
		cache_forbid_field(cbox, i);
	cbox->enforced_count = cache->fields_count;
}

/*
 * Have the received date cached from the start, unless a setting says never.
 * Each list asks for it; Dovecot learns that from the first one only, and then
 * adds a second record to each message, which every later look-up has to walk
 * through.
 */
static void
cache_box_keep_received(struct mailbox *box)
{
	struct index_mailbox_context *ibox = INDEX_STORAGE_CONTEXT(box);
	unsigned int idx = ibox->cache_fields[MAIL_CACHE_RECEIVED_DATE].idx;
	struct mail_cache_field field =
		*mail_cache_register_get_field(box->cache, idx);

	if (field.decision != MAIL_CACHE_DECISION_NO)
		return;
	if (box->cache->field_file_map[idx] == UINT32_MAX) {
		/* The file has no such field yet, and learns the decision when
		   the first date is written. */
		box->cache->fields[idx].field.decision =
			MAIL_CACHE_DECISION_YES;
		return;
	}
	field.decision = MAIL_CACHE_DECISION_YES;
	/* A field that seems not to have been used for long is dropped. */
	field.last_used = ioloop_time;
	roost_cache_register(box->cache, &field, 1);
}

/*
 * Decide about all fields before Dovecot reads the file, because a field that
 * nobody forced and nobody used for long makes it write all of the file anew;
 * and once more afterwards, because the file may have fields that were not
 * known.
 */
static void
cache_box_decide(struct roost_cache_box *cbox)
{
	struct mail_cache *cache = cbox->box->cache;

	if (cbox->is_sealed)
		cache_box_register_blobs(cbox);
	cache_box_blind(cbox->box);
	cache_box_forbid(cbox);
	(void)mail_cache_open_and_verify(cache);
	cache_box_forbid(cbox);
	if (cbox->is_sealed)
		cache_box_keep_received(cbox->box);
}

void
roost_cache_box_activate(struct roost_cache_box *cbox,
			 struct roost_ring *ring)
{
	const struct roost_config *config = roost_user_config(cbox->ruser);
	struct mailbox *box = cbox->box;

	if (cbox->is_active || box->cache == NULL)
		return;
	cbox->is_active = TRUE;
	cbox->ring = ring;
	cbox->is_sealed = ring != NULL && config->is_cache_sealed &&
		config->enable != ROOST_ENABLE_NO;
	cache_box_decide(cbox);
	T_BEGIN {
		cache_box_names(cbox);
	} T_END;
	/* Dovecot would open the message for these before anybody asks,
	   because its own fields lack them. */
	box->storage->nonbody_access_fields |= MAIL_FETCH_IMAP_ENVELOPE |
		MAIL_FETCH_IMAP_BODY | MAIL_FETCH_IMAP_BODYSTRUCTURE |
		MAIL_FETCH_DATE | MAIL_FETCH_BODY_SNIPPET |
		MAIL_FETCH_MESSAGE_PARTS;
}

void
roost_cache_box_begin(struct roost_cache_box *cbox)
{
	struct mailbox *box = cbox->box;
	struct roost_ring *ring;
	const char *error;

	/* With roost_enable = no sealed messages are refused, so there is
	   nothing of them to cache. */
	if (cbox->is_active)
		cache_box_forbid(cbox);
	else if (roost_user_config(cbox->ruser)->enable != ROOST_ENABLE_NO &&
		 roost_user_ring(cbox->ruser, mailbox_get_namespace(box),
				 &ring, &error) != 0)
		roost_cache_box_activate(cbox, ring);
}

/*
 * Forbid fields anew each time a mailbox is opened, because Dovecot then
 * registers again what settings want cached, in a table that this process has
 * once for all that opened the mailbox.
 */
void
roost_cache_box_opened(struct mailbox *box)
{
	struct roost_cache_box *cbox = roost_cache_box_get(box);

	if (cbox == NULL || box->cache == NULL)
		return;
	cbox->is_active = cbox->is_sealed = FALSE;
	array_clear(&cbox->standard);
	array_clear(&cbox->telling);
	array_clear(&cbox->ignored);
	roost_cache_box_begin(cbox);
}

void
roost_cache_box_enforce(struct roost_cache_box *cbox)
{
	if (cbox->is_active &&
	    cbox->enforced_count != cbox->box->cache->fields_count)
		cache_box_forbid(cbox);
}

void
roost_cache_box_forbid_header(struct roost_cache_box *cbox, const char *name)
{
	struct mail_cache_field field = {
		.type = MAIL_CACHE_FIELD_HEADER,
		.decision = DECISION_NEVER,
	};

	if (!cbox->is_active)
		return;
	T_BEGIN {
		field.name = t_strconcat("hdr.", name, NULL);
		roost_cache_register(cbox->box->cache, &field, 1);
	} T_END;
	roost_cache_box_enforce(cbox);
}

struct roost_cache_box *
roost_cache_box_new(struct mailbox *box)
{
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mailbox_vfuncs *v = box->vlast;
	struct roost_cache_box *cbox;

	if (ruser == NULL || !roost_storage_can_seal(box->storage))
		return NULL;
	cbox = p_new(box->pool, struct roost_cache_box, 1);
	cbox->module_ctx.super = *v;
	box->vlast = &cbox->module_ctx.super;
	v->free = cache_box_free;
	cbox->box = box;
	cbox->ruser = ruser;
	i_array_init(&cbox->ignored, 4);
	i_array_init(&cbox->standard, 64);
	i_array_init(&cbox->telling, 64);
	MODULE_CONTEXT_SET(box, roost_cache_module, cbox);
	return cbox;
}

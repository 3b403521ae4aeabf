/* SPDX-License-Identifier: MIT */
/*
 * test_cache_find: which blobs of a message are answered from an index cache,
 * and which are not.
 *
 * The index and its cache are Dovecot's own, in a temporary folder; the
 * keyring is made up here.  Contains find.c.
 */
#include "cache/find.c"

#include "cache/fill.h"
#include "cache/keys.h"
#include "session/named-object.h"
#include "session/old-forms.h"

#include "ioloop.h"
#include "mail-index-private.h"
#include "test-common.h"

#include "roost/stanza.h"

#include "kit.h"

#define SENT_DATE "\0\0\0\0\x40\0\0\0\0\0\0\x3c"

struct roost_ring {
	struct roost_keyring doc;
	struct roost_aead *aead;
	struct roost_aead *open_aead;		/* the same while it is open */
	uint8_t data_key[ROOST_KEY_SIZE];	/* of every message */
	unsigned int data_keys;			/* asked for so often */
	bool is_locked;
};

static struct roost_ring ring;
static struct roost_config config;
static const char *dir;
static struct mail_index *mail_index;
static struct mail_index_view *view;
static struct roost_cache_box cbox;
static struct mailbox box;
static struct mailbox_transaction_context trans;
static struct mail_private mail;
static struct roost_cache_mail *cmail;

/* What was reported and asked for since look() began. */
static unsigned int reports, changes, drops;
/* What the index names as it is now. */
static enum roost_named_object named = ROOST_NAMED_OBJECT_NONE;
static enum roost_err reported;
static const uint8_t *left_id;

/* What the code under test asks of the session. */

struct roost_aead *
roost_ring_cache_aead(struct roost_ring *asked)
{
	return asked->open_aead;
}

bool
roost_ring_is_locked(const struct roost_ring *asked)
{
	return asked->is_locked;
}

const struct roost_keyring *
roost_ring_doc(const struct roost_ring *asked)
{
	return &asked->doc;
}

enum roost_policy
roost_ring_policy(const struct roost_ring *asked)
{
	return asked->doc.policy;
}

enum roost_err
roost_ring_data_key(struct roost_ring *asked, const struct roost_header *header,
		    uint8_t data_key_r[ROOST_KEY_SIZE])
{
	i_assert(header->len > 0);
	asked->data_keys++;
	memcpy(data_key_r, asked->data_key, ROOST_KEY_SIZE);
	return ROOST_OK;
}

const struct roost_config *
roost_user_config(const struct roost_user *ruser ATTR_UNUSED)
{
	return &config;
}

bool
roost_user_log_once(struct roost_user *ruser ATTR_UNUSED,
		    const char *key ATTR_UNUSED)
{
	return TRUE;
}

void
roost_report_blob(struct mail *told ATTR_UNUSED, enum roost_err err)
{
	reports++;
	reported = err;
}

void
roost_report_changed(struct mail *told ATTR_UNUSED)
{
	changes++;
}

enum roost_named_object
roost_named_object_compare(struct mail *asked ATTR_UNUSED,
			   const uint8_t object_id[ROOST_ID_SIZE] ATTR_UNUSED)
{
	return named;
}

bool
roost_old_forms_may_be_back(struct mail *asked ATTR_UNUSED)
{
	return FALSE;
}

void
roost_named_object_leave(struct mail *told ATTR_UNUSED,
			 unsigned int field_idx ATTR_UNUSED,
			 const uint8_t *object_id)
{
	drops++;
	left_id = object_id;
}

void
roost_cache_box_activate(struct roost_cache_box *asked ATTR_UNUSED,
			 struct roost_ring *with ATTR_UNUSED)
{
}

void
roost_cache_box_enforce(struct roost_cache_box *asked ATTR_UNUSED)
{
}

void
roost_tap_release(struct roost_tap **tap ATTR_UNUSED)
{
}

/* An index with a cache, and a mail to look at its messages with. */

static void
fields_register(void)
{
	struct mail_cache_field field = {
		.type = MAIL_CACHE_FIELD_VARIABLE_SIZE,
		.decision = MAIL_CACHE_DECISION_YES |
			MAIL_CACHE_DECISION_FORCED,
	};
	unsigned int i;

	for (i = 0; i <= CACHE_BLOB_COUNT; i++) {
		field.name = t_strdup_printf("field.%u", i);
		roost_cache_register(mail_index->cache, &field, 1);
		if (i < CACHE_BLOB_COUNT)
			cbox.field_own[i] = field.idx;
		else
			cbox.field_new = field.idx;
	}
}

static void
box_open(void)
{
	dir = kit_folder();
	ioloop_time = 1;
	mail_index = mail_index_alloc(NULL, dir, "dovecot.index");
	if (mail_index_open_or_create(mail_index,
				      MAIL_INDEX_OPEN_FLAG_CREATE) < 0)
		i_fatal("there is no index");
	fields_register();
	memset(ring.doc.id, 7, ROOST_ID_SIZE);
	memset(ring.data_key, 8, ROOST_KEY_SIZE);
	if (roost_blob_aead_own(ring.data_key, &ring.aead) != ROOST_OK)
		i_fatal("there is no AEAD");
	ring.open_aead = ring.aead;
	ring.doc.policy = ROOST_POLICY_SEALED;
	cbox.ring = &ring;
	cbox.is_active = cbox.is_sealed = TRUE;
	i_array_init(&cbox.ignored, 4);
	box.vname = dir;
	box.cache = mail_index->cache;
	trans.box = &box;
	mail.pool = mail.data_pool = pool_alloconly_create("mail", 1024);
	p_array_init(&mail.module_contexts, mail.pool, 5);
	mail.mail.uid = 0;
	mail.mail.box = &box;
	mail.mail.transaction = &trans;
	cmail = roost_cache_mail_new(&mail.mail, &cbox);
}

static void
view_close(void)
{
	if (view == NULL)
		return;
	mail_cache_view_close(&trans.cache_view);
	mail_index_view_close(&view);
}

static void
box_close(void)
{
	roost_cache_mail_free(cmail);
	view_close();
	pool_unref(&mail.pool);
	array_free(&cbox.ignored);
	roost_prim_aead_free(&ring.aead);
	mail_index_close(mail_index);
	mail_index_free(&mail_index);
	kit_folder_free(dir);
}

static struct mail_index_transaction *
transaction_begin(void)
{
	view_close();
	if (mail_index_refresh(mail_index) < 0)
		i_fatal("the index cannot be read");
	view = mail_index_view_open(mail_index);
	trans.cache_view = mail_cache_view_open(mail_index->cache, view);
	return mail_index_transaction_begin(view, 0);
}

static void
transaction_commit(struct mail_index_transaction *index_trans)
{
	if (mail_index_transaction_commit(&index_trans) < 0)
		i_fatal("the index cannot be written");
}

/* A message of which nothing is cached; the mail stands at it. */
static void
message_add(void)
{
	struct mail_index_transaction *index_trans = transaction_begin();
	uint32_t validity = 1;

	mail_index_update_header(index_trans,
		offsetof(struct mail_index_header, uid_validity), &validity,
		sizeof(validity), TRUE);
	mail_index_append(index_trans, ++mail.mail.uid, &mail.mail.seq);
	transaction_commit(index_trans);
}

static void
field_add(unsigned int field_idx, const void *bytes, size_t len)
{
	struct mail_index_transaction *index_trans = transaction_begin();

	mail_cache_add(mail_cache_get_transaction(trans.cache_view,
						  index_trans),
		       mail.mail.seq, field_idx, bytes, len);
	transaction_commit(index_trans);
}

/* Sealed blobs. */

struct sealed {
	uint8_t bytes[ROOST_BLOB_SIZE_MAX + 1];
	size_t len;
};
static struct sealed sealed;
static const uint8_t object_a[ROOST_ID_SIZE] = { 1 };
static const uint8_t object_b[ROOST_ID_SIZE] = { 2 };
static const uint8_t object_none[ROOST_ID_SIZE];

static void
content_of(struct roost_blob_content *content, const char *mark)
{
	static const uint8_t saved[ROOST_SAVED_KEYS_SIZE] = { 3 };
	unsigned int item;

	i_zero(content);
	content->data_key = ring.data_key;
	for (item = 1; item < ROOST_BLOB_ITEM_COUNT; item++)
		roost_content_set(content, item, mark, strlen(mark));
	roost_content_set(content, ROOST_BLOB_SENT_DATE, SENT_DATE,
			  ROOST_BLOB_SENT_DATE_SIZE);
	roost_content_set(content, ROOST_BLOB_SAVED_KEYS, saved,
			  sizeof(saved));
}

static void
seal_content(const struct roost_blob_content *content, const uint8_t *object_id)
{
	static const uint8_t none[ROOST_KEY_SIZE];
	struct roost_blob_content sealing = *content;

	if (object_id == object_none)
		sealing.data_key = none;
	if (roost_blob_seal_own(ring.aead, ring.doc.id, object_id, &sealing,
				sealed.bytes, &sealed.len) != ROOST_OK)
		i_fatal("a blob cannot be sealed");
}

/* One of form 3. */
static void
seal_beside(const struct roost_blob_content *content, const uint8_t *object_id)
{
	if (roost_blob_seal_beside(ring.aead, ring.doc.id, object_id, content,
				   sealed.bytes, &sealed.len) != ROOST_OK)
		i_fatal("a blob cannot be sealed");
}

/* A blob with its own items, of the form that its field has. */
static void
seal_own(enum cache_blob blob, const uint8_t *object_id, const char *mark)
{
	struct roost_blob_content all, some;

	content_of(&all, mark);
	roost_content_of_blob(&all, blob, &some);
	if (blob == CACHE_BLOB_FACTS)
		seal_content(&some, object_id);
	else
		seal_beside(&some, object_id);
}

/* One of form 1 with all items. */
static void
seal_whole(const uint8_t *object_id, const char *mark)
{
	struct roost_blob_content all;

	content_of(&all, mark);
	seal_content(&all, object_id);
}

/* One of form 2. */
static void
seal_form_new(const uint8_t *object_id, const char *mark)
{
	uint8_t header[ROOST_HEADER_FIXED_SIZE + ROOST_STANZA_X25519_SIZE];
	struct roost_seal_key key = { .key_id = { 1 } };
	struct roost_blob_content all;
	struct roost_aead *aead;
	uint8_t private_key[ROOST_KEY_SIZE] = { 5 };

	content_of(&all, mark);
	roost_content_set(&all, ROOST_BLOB_SAVED_KEYS, NULL, 0);
	roost_header_write(ring.doc.id, object_id, 1,
			   ROOST_STANZA_X25519_SIZE, header);
	if (roost_prim_x25519_public(private_key, key.public_key) !=
	    ROOST_OK ||
	    roost_stanza_seal(&key, header, ring.data_key,
			      header + ROOST_HEADER_FIXED_SIZE) != ROOST_OK ||
	    roost_blob_aead_new(ring.data_key, &aead) != ROOST_OK ||
	    roost_blob_seal_new(aead, header, sizeof(header), &all,
				sealed.bytes, &sealed.len) != ROOST_OK)
		i_fatal("a blob cannot be sealed");
	roost_prim_aead_free(&aead);
}

static void
add_own(enum cache_blob blob, const uint8_t *object_id, const char *mark)
{
	seal_own(blob, object_id, mark);
	field_add(cbox.field_own[blob], sealed.bytes, sealed.len);
}

static void
add_new(void)
{
	field_add(cbox.field_new, sealed.bytes, sealed.len);
}

/* A message with the blob of facts and all that stand beside it. */
static void
message_with_all(const uint8_t *object_id, const char *mark)
{
	unsigned int blob;

	message_add();
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++)
		add_own(blob, object_id, mark);
}

/* Looking. */

/* Come to the message as if for the first time. */
static void
come(void)
{
	struct mail_index_transaction *index_trans = transaction_begin();

	mail_index_transaction_rollback(&index_trans);
	cmail->is_used = TRUE;	/* as fill.c notes it */
	roost_cache_mail_reset(cmail);
	array_clear(&cbox.ignored);
	reports = changes = drops = ring.data_keys = 0;
	reported = ROOST_OK;
	left_id = NULL;
}

static enum roost_cache_verdict
look(enum cache_blob blob)
{
	come();
	return roost_cache_find_blob(&mail.mail, blob);
}

static bool
has(enum roost_blob_item item, const char *mark)
{
	const struct roost_blob_bytes *found = &cmail->content.items[item];

	return found->bytes != NULL && found->len == strlen(mark) &&
		memcmp(found->bytes, mark, found->len) == 0;
}

static bool
has_nothing(void)
{
	unsigned int item;

	for (item = 0; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (cmail->content.items[item].bytes != NULL)
			return FALSE;
	}
	return cmail->held == 0 && cmail->content.data_key == NULL;
}

/* Refused: told to the administrator, and to nobody else. */
static bool
is_refused(enum roost_err err)
{
	return reports == 1 && reported == err && has_nothing();
}

/* An item of each blob. */
static const enum roost_blob_item items[CACHE_BLOB_COUNT] = {
	[CACHE_BLOB_FACTS] = ROOST_BLOB_PARTS,
	[CACHE_BLOB_SUMMARY] = ROOST_BLOB_SUMMARY,
	[CACHE_BLOB_PREVIEW] = ROOST_BLOB_PREVIEW,
	[CACHE_BLOB_HEADERS] = ROOST_BLOB_HEADERS,
	[CACHE_BLOB_LISTING] = ROOST_BLOB_ENVELOPE,
};

static void
test_only_what_is_wanted(void)
{
	unsigned int blob, other;

	test_begin("a look-up opens the wanted blob and no other");
	box_open();
	message_with_all(object_a, "mine");
	message_with_all(object_b, "theirs");
	mail.mail.seq = mail.mail.uid = 1;
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		test_assert(look(blob) == ROOST_CACHE_LEAVE && reports == 0);
		test_assert(cmail->held == CACHE_BLOB_BIT(blob));
		for (other = 0; other < CACHE_BLOB_COUNT; other++)
			test_assert(has(items[other], "mine") ==
				    (other == blob));
		test_assert((cmail->content.data_key != NULL) ==
			    (blob == CACHE_BLOB_FACTS));
	}
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++)
		test_assert(roost_cache_fill_from_blob(&mail.mail, blob));
	test_assert(has(ROOST_BLOB_ENVELOPE, "mine") && has(ROOST_BLOB_PARTS,
							    "mine"));
	mail.mail.seq = mail.mail.uid = 2;
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_ENVELOPE, "theirs"));
	message_add();
	test_assert(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE);
	test_assert(has_nothing() && reports == 0);
	box_close();
	test_end();
}

static void
test_another_message(void)
{
	unsigned int blob;

	test_begin("a blob of another message is not answered");
	box_open();
	for (blob = 1; blob < CACHE_BLOB_COUNT; blob++) {
		message_add();
		add_own(CACHE_BLOB_FACTS, object_a, "mine");
		add_own(blob, object_b, "theirs");
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
		/* Neither after the own facts were opened. */
		come();
		test_assert(roost_cache_fill_from_blob(&mail.mail,
						       CACHE_BLOB_FACTS));
		test_assert(!roost_cache_fill_from_blob(&mail.mail, blob));
		test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	}
	/* Nor are blobs of two objects told together, because another session
	   has exchanged all of them meanwhile. */
	message_with_all(object_b, "theirs");
	message_with_all(object_a, "mine");
	test_assert(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE);
	mail.mail.seq--;
	test_assert(roost_cache_find_blob(&mail.mail, CACHE_BLOB_SUMMARY) ==
		    ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	/* Without facts nothing says whose it is. */
	message_add();
	add_own(CACHE_BLOB_SUMMARY, object_a, "mine");
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	box_close();
	test_end();
}

static void
test_another_keyring(void)
{
	struct roost_aead *other;
	unsigned int blob;

	test_begin("a blob of another keyring is not answered");
	box_open();
	ring.doc.id[0] ^= 1;
	message_with_all(object_a, "theirs");
	ring.doc.id[0] ^= 1;
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_OTHER_KEYRING));
	}
	message_add();
	ring.doc.id[0] ^= 1;
	seal_whole(object_a, "theirs");
	ring.doc.id[0] ^= 1;
	add_new();
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_OTHER_KEYRING));
	/* What was beside a blob of another keyring stands beside no other,
	   though it has the same key. */
	for (blob = 1; blob < CACHE_BLOB_COUNT; blob++) {
		message_add();
		add_own(CACHE_BLOB_FACTS, object_a, "mine");
		ring.doc.id[0] ^= 1;
		add_own(blob, object_a, "theirs");
		ring.doc.id[0] ^= 1;
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	}
	/* Its id alone does not help. */
	ring.data_key[0] ^= 1;
	if (roost_blob_aead_own(ring.data_key, &other) != ROOST_OK)
		i_fatal("there is no AEAD");
	ring.data_key[0] ^= 1;
	message_with_all(object_a, "mine");
	ring.open_aead = other;
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	}
	roost_prim_aead_free(&other);
	box_close();
	test_end();
}

static void
test_damaged(void)
{
	size_t pos, len;

	test_begin("a blob that was trimmed or changed is not answered");
	box_open();
	seal_own(CACHE_BLOB_SUMMARY, object_a, "mine");
	len = sealed.len;
	for (pos = 0; pos < len; pos += pos < 64 ? 1 : 7) {
		message_add();
		add_own(CACHE_BLOB_FACTS, object_a, "mine");
		seal_own(CACHE_BLOB_SUMMARY, object_a, "mine");
		i_assert(sealed.len == len);
		if (pos % 2 == 0)
			sealed.len = pos;
		else
			sealed.bytes[pos] ^= 1;
		field_add(cbox.field_own[CACHE_BLOB_SUMMARY], sealed.bytes,
			  sealed.len);
		test_assert_idx(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE,
				pos);
		test_assert_idx(reports == 1 && has_nothing(), pos);
		/* What is well stays so. */
		test_assert_idx(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE &&
				has(ROOST_BLOB_PARTS, "mine"), pos);
	}
	box_close();
	test_end();
}

/* The largest blob is answered, and one byte more never, whatever it is. */
static void
test_large(void)
{
	static char text[ROOST_BLOB_SIZE_MAX - ROOST_BLOB_FORM_BESIDE_OVERHEAD -
			 ROOST_BLOB_ITEM_HEAD_SIZE + 1];
	struct roost_blob_content content = { .data_key = NULL };

	test_begin("a blob is answered up to its largest size");
	box_open();
	memset(text, 'x', sizeof(text) - 1);
	roost_content_set(&content, ROOST_BLOB_SUMMARY, text,
			  sizeof(text) - 1);
	message_add();
	add_own(CACHE_BLOB_FACTS, object_a, "mine");
	seal_beside(&content, object_a);
	i_assert(sealed.len == ROOST_BLOB_SIZE_MAX);
	field_add(cbox.field_own[CACHE_BLOB_SUMMARY], sealed.bytes,
		  sealed.len);
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_SUMMARY, text));
	message_add();
	add_own(CACHE_BLOB_FACTS, object_a, "mine");
	seal_beside(&content, object_a);
	field_add(cbox.field_own[CACHE_BLOB_SUMMARY], sealed.bytes,
		  sealed.len + 1);
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_FORM));
	box_close();
	test_end();
}

static void
test_more_than_its_items(void)
{
	unsigned int blob, other;

	test_begin("a blob with items of another one is not answered");
	box_open();
	for (blob = 1; blob < CACHE_BLOB_COUNT; blob++) {
		other = blob + 1 < CACHE_BLOB_COUNT ? blob + 1 : 1;
		message_add();
		add_own(CACHE_BLOB_FACTS, object_a, "mine");
		seal_own(other, object_a, "mine");
		field_add(cbox.field_own[blob], sealed.bytes, sealed.len);
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_CONTENT));
	}
	/* The blob of facts may have all. */
	message_add();
	seal_whole(object_a, "mine");
	field_add(cbox.field_own[CACHE_BLOB_FACTS], sealed.bytes, sealed.len);
	test_assert(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_PARTS, "mine") && reports == 0);
	box_close();
	test_end();
}

static void
test_all_in_one(void)
{
	unsigned int blob;

	test_begin("a blob of all items takes the place of the others");
	box_open();
	message_with_all(object_a, "older");
	seal_whole(object_a, "newer");
	add_new();
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		test_assert(look(blob) == ROOST_CACHE_LEAVE && reports == 0);
		test_assert(has(items[blob], "newer"));
		test_assert(cmail->held == CACHE_BLOBS_ALL);
	}
	/* What is damaged costs only itself; and with both fields taken, they
	   are dropped to make room. */
	message_with_all(object_a, "older");
	seal_whole(object_a, "newer");
	sealed.bytes[sealed.len - 1] ^= 1;
	add_new();
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_DROP);
	test_assert(has(ROOST_BLOB_ENVELOPE, "older"));
	test_assert(reports == 1 && reported == ROOST_ERR_BLOB_AUTH);
	come();
	test_assert(roost_cache_fill_from_blob(&mail.mail,
					       CACHE_BLOB_LISTING));
	test_assert(drops == 1 && left_id == NULL);
	test_assert(seq_range_exists(&cbox.ignored, mail.mail.uid));
	/* Alone, it is stored in the other fields. */
	message_add();
	seal_whole(object_a, "newer");
	add_new();
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_STORE);
	test_assert(has(ROOST_BLOB_SUMMARY, "newer") && reports == 0);
	box_close();
	test_end();
}

/* A blob that was damaged before it was replaced is found first, if both came
   in one record, as a copy writes them. */
static void
test_replaced(void)
{
	struct mail_index_transaction *index_trans;
	struct mail_cache_transaction_ctx *cache_trans;
	struct sealed bad;

	test_begin("a blob that was replaced is neither told nor reported");
	box_open();
	message_add();
	seal_own(CACHE_BLOB_FACTS, object_a, "bad");
	bad = sealed;
	bad.bytes[bad.len - 1] ^= 1;
	seal_whole(object_a, "newer");
	index_trans = transaction_begin();
	cache_trans = mail_cache_get_transaction(trans.cache_view,
						 index_trans);
	mail_cache_add(cache_trans, mail.mail.seq,
		       cbox.field_own[CACHE_BLOB_FACTS], bad.bytes, bad.len);
	mail_cache_add(cache_trans, mail.mail.seq, cbox.field_new,
		       sealed.bytes, sealed.len);
	transaction_commit(index_trans);
	test_assert(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_PARTS, "newer") && reports == 0);
	box_close();
	test_end();
}

static void
test_form_2(void)
{
	unsigned int blob;

	test_begin("form 2 is opened last, and where it belongs");
	box_open();
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		message_add();
		seal_form_new(object_a, "theirs");
		field_add(cbox.field_own[blob], sealed.bytes, sealed.len);
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_FORM));
		test_assert(ring.data_keys == 0);
	}
	/* Alone, it is answered, and stored in form 1. */
	message_add();
	seal_form_new(object_a, "mine");
	add_new();
	test_assert(look(CACHE_BLOB_HEADERS) == ROOST_CACHE_STORE);
	test_assert(has(ROOST_BLOB_HEADERS, "mine") && ring.data_keys == 1);
	test_assert(cmail->content.data_key != NULL);
	/* With form 1 there, it is not asked. */
	add_own(CACHE_BLOB_FACTS, object_a, "own");
	add_own(CACHE_BLOB_HEADERS, object_a, "own");
	test_assert(look(CACHE_BLOB_HEADERS) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_HEADERS, "own") && ring.data_keys == 0);
	/* A blob that is missing in form 1 is answered, and all made anew. */
	test_assert(look(CACHE_BLOB_PREVIEW) == ROOST_CACHE_DROP);
	test_assert(has(ROOST_BLOB_PREVIEW, "mine") && ring.data_keys == 1);
	/* With another data key it does not open. */
	message_add();
	seal_form_new(object_a, "mine");
	add_new();
	ring.data_key[0] ^= 1;
	test_assert(look(CACHE_BLOB_HEADERS) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_AUTH));
	ring.data_key[0] ^= 1;
	box_close();
	test_end();
}

static void
test_another_form(void)
{
	struct roost_blob_content all, some;
	unsigned int blob;

	test_begin("a blob is of the form that its field has");
	box_open();
	content_of(&all, "theirs");
	/* One that says itself what it is of stands beside none, even if that
	   is the right object. */
	for (blob = 1; blob < CACHE_BLOB_COUNT; blob++) {
		message_add();
		add_own(CACHE_BLOB_FACTS, object_a, "mine");
		roost_content_of_blob(&all, blob, &some);
		some.data_key = ring.data_key;
		seal_content(&some, object_a);
		field_add(cbox.field_own[blob], sealed.bytes, sealed.len);
		test_assert(look(blob) == ROOST_CACHE_LEAVE);
		test_assert(is_refused(ROOST_ERR_BLOB_FORM));
	}
	/* One that does not is nothing by itself: neither in the field that
	   the others stand beside, which they say then, ... */
	message_add();
	roost_content_of_blob(&all, CACHE_BLOB_FACTS, &some);
	roost_content_set(&some, ROOST_BLOB_SAVED_KEYS, NULL, 0);
	seal_beside(&some, object_a);
	field_add(cbox.field_own[CACHE_BLOB_FACTS], sealed.bytes, sealed.len);
	add_own(CACHE_BLOB_SUMMARY, object_a, "mine");
	test_assert(look(CACHE_BLOB_FACTS) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_FORM));
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_FORM));
	/* ... nor in that of all items. */
	message_add();
	roost_content_set(&all, ROOST_BLOB_SAVED_KEYS, NULL, 0);
	seal_beside(&all, object_a);
	add_new();
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_LEAVE);
	test_assert(is_refused(ROOST_ERR_BLOB_FORM));
	message_with_all(object_a, "mine");
	seal_beside(&all, object_a);
	add_new();
	test_assert(look(CACHE_BLOB_SUMMARY) == ROOST_CACHE_DROP);
	test_assert(has(ROOST_BLOB_SUMMARY, "mine") && reports == 1 &&
		    reported == ROOST_ERR_BLOB_FORM);
	box_close();
	test_end();
}

static void
test_locked(void)
{
	test_begin("a locked keyring is told nothing, and drops nothing");
	box_open();
	message_with_all(object_a, "mine");
	seal_whole(object_a, "mine");
	add_new();
	ring.open_aead = NULL;
	ring.is_locked = TRUE;
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_LEAVE);
	test_assert(has_nothing() && reports == 0);
	ring.is_locked = FALSE;
	box_close();
	test_end();
}

static void
test_policy(void)
{
	test_begin("what was not sealed is told as the policy has it");
	box_open();
	message_with_all(object_none, "plain");
	config.plaintext = ROOST_PLAINTEXT_REFUSE;
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_LEAVE);
	test_assert(has_nothing() && reports == 0);
	config.plaintext = ROOST_PLAINTEXT_SERVE;
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_ENVELOPE, "plain"));
	config.plaintext = ROOST_PLAINTEXT_REFUSE;
	ring.doc.policy = ROOST_POLICY_OPEN;
	test_assert(look(CACHE_BLOB_LISTING) == ROOST_CACHE_LEAVE);
	test_assert(has(ROOST_BLOB_ENVELOPE, "plain"));
	box_close();
	test_end();
}

/* What opens a file asks for its keys, and says how that went. */
static void
test_exchanged_file(void)
{
	struct roost_header header = {
		.keyring_id = ring.doc.id, .object_id = object_a,
	};
	struct roost_file_keys keys = { .has_saved = FALSE };
	uint8_t other_id[ROOST_ID_SIZE] = { 9 };

	test_begin("an exchanged file gets no keys, and its blobs are dropped");
	box_open();
	message_with_all(object_a, "mine");
	come();
	test_assert(roost_cache_keys_get(&mail.mail, &header, &keys));
	test_assert(keys.has_saved && keys.saved[0] == 3 &&
		    memcmp(keys.data_key, ring.data_key, ROOST_KEY_SIZE) == 0);
	roost_cache_keys_opened(&mail.mail, object_a, &keys);
	test_assert(changes == 0 && drops == 0);
	i_zero(&keys);
	come();
	header.keyring_id = other_id;
	test_assert(!roost_cache_keys_get(&mail.mail, &header, &keys));
	header.keyring_id = ring.doc.id;
	header.object_id = object_b;
	test_assert(!roost_cache_keys_get(&mail.mail, &header, &keys));
	test_assert(roost_bytes_are_zero(keys.data_key, ROOST_KEY_SIZE));
	test_assert(has_nothing() && changes == 0);
	test_assert(!roost_cache_fill_from_blob(&mail.mail,
						CACHE_BLOB_LISTING));
	roost_cache_keys_opened(&mail.mail, object_b, &keys);
	test_assert(changes == 1 && drops == 1);
	test_assert(left_id != NULL &&
		    memcmp(left_id, object_b, ROOST_ID_SIZE) == 0);
	/* Nor is one reported that was sealed in its place meanwhile. */
	named = ROOST_NAMED_OBJECT_THIS;
	come();
	test_assert(!roost_cache_keys_get(&mail.mail, &header, &keys));
	roost_cache_keys_opened(&mail.mail, object_b, &keys);
	test_assert(changes == 0 && drops == 1);
	named = ROOST_NAMED_OBJECT_NONE;
	/* What was not sealed has no keys for a file of no object id. */
	config.plaintext = ROOST_PLAINTEXT_SERVE;
	message_with_all(object_none, "plain");
	come();
	header.object_id = object_none;
	test_assert(!roost_cache_keys_get(&mail.mail, &header, &keys));
	test_assert(has_nothing());
	config.plaintext = ROOST_PLAINTEXT_REFUSE;
	box_close();
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_only_what_is_wanted,
		test_another_message,
		test_another_keyring,
		test_damaged,
		test_large,
		test_more_than_its_items,
		test_all_in_one,
		test_replaced,
		test_form_2,
		test_another_form,
		test_locked,
		test_policy,
		test_exchanged_file,
		NULL
	};

	return kit_run(tests);
}

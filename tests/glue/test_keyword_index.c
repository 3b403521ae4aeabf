/* SPDX-License-Identifier: MIT */
/*
 * test_keyword_index: the names of the keywords of a real index in a temporary
 * folder: tokens are stored, names are shown, and both are found.
 *
 * Contains index.c, to tell it where maildir's list of keywords is.
 */
#include "dovecot/compat.h"

#include "ioloop.h"
#include "test-common.h"

#include "core/base32-private.h"
#include "core/siv-private.h"

#include "kit.h"

#include <unistd.h>

static const char *control_dir;

static int
control_path(struct mailbox *box ATTR_UNUSED,
	     enum mailbox_list_path_type type ATTR_UNUSED, const char **path_r)
{
	*path_r = control_dir;
	return control_dir == NULL ? 0 : 1;
}

#define mailbox_get_path_to control_path
#include "keywords/index.c"

/* One index, and how a mailbox of one user uses it. */
struct fixture {
	const char *dir;
	struct mail_index *index;
	struct mail_storage storage;
	struct mailbox box;
	struct roost_token_key alice, bob;
	struct roost_keyword_access access;
	struct roost_keyword_index *kindex;
};

static void
index_open(struct fixture *f)
{
	f->index = mail_index_alloc(NULL, f->dir, "test.index");
	if (mail_index_open_or_create(f->index,
				      MAIL_INDEX_OPEN_FLAG_CREATE) < 0)
		i_fatal("cannot make an index in %s", f->dir);
	f->kindex = roost_keyword_index_get(f->index);
}

static void
index_close(struct fixture *f)
{
	mail_index_close(f->index);
	mail_index_free(&f->index);
}

static void
fixture_init(struct fixture *f)
{
	static const uint8_t host_key[ROOST_KEY_SIZE] = { 1, 2, 3 };
	static const uint8_t ids[2][ROOST_ID_SIZE] = { { 1 }, { 2 } };

	i_zero(f);
	f->dir = kit_folder();
	f->storage.name = "sdbox";
	f->box.storage = &f->storage;
	if (roost_token_key_derive(host_key, ids[0], &f->alice) != ROOST_OK ||
	    roost_token_key_derive(host_key, ids[1], &f->bob) != ROOST_OK)
		i_fatal("cannot derive a key");
	f->access.box = &f->box;
	f->access.key = &f->alice;
	f->access.mode = ROOST_KEYWORDS_PRIVATE;
	control_dir = NULL;
	index_open(f);
}

static void
fixture_deinit(struct fixture *f)
{
	index_close(f);
	kit_folder_free(f->dir);
}

/* What Dovecot does when somebody names a keyword. */
static unsigned int
ask(struct fixture *f, const char *name)
{
	unsigned int idx;

	mail_index_keyword_lookup_or_create(f->index, name, &idx);
	return idx;
}

static unsigned int
take(struct fixture *f, const char *name)
{
	unsigned int idx = ask(f, name);

	roost_keyword_index_sync(f->kindex, &f->access);
	return idx;
}

static const char *
stored(const struct fixture *f, unsigned int idx)
{
	return array_idx_elem(&f->index->keywords, idx);
}

static const char *
shown(const struct fixture *f, unsigned int idx)
{
	return array_idx_elem(roost_keyword_index_shown(f->kindex),
			      roost_keyword_index_shown_at(f->kindex, idx));
}

static bool
finds(const struct fixture *f, const char *name, unsigned int wanted)
{
	unsigned int idx;

	return mail_index_keyword_lookup(f->index, name, &idx) &&
		idx == wanted;
}

static const char *
token_of(const struct roost_token_key *key, const char *name)
{
	char *token = t_malloc0(ROOST_TOKEN_MAX + 1);

	if (roost_token_seal(key, name, strlen(name), token) != ROOST_OK)
		i_fatal("no token of %s", name);
	return token;
}

/* As builds made it that sealed a name in its spelling, so that two spellings
   have two tokens. */
static const char *
old_token_of(const struct roost_token_key *key, const char *name)
{
	static const char label[] = "roost/v1 keyword";
	size_t len = strlen(name), sealed_len = ROOST_TAG_SIZE + len;
	uint8_t ad[sizeof(label) + ROOST_ID_SIZE];
	uint8_t *sealed = t_malloc0(sealed_len);
	char *digits = t_malloc0(ROOST_BASE32_LEN(sealed_len) + 1);

	memcpy(ad, label, sizeof(label));
	memcpy(ad + sizeof(label), key->keyring_id, ROOST_ID_SIZE);
	if (roost_siv_seal(key->key, ad, sizeof(ad),
				(const uint8_t *)name, len,
				sealed) != ROOST_OK)
		i_fatal("cannot seal %s", name);
	roost_base32("abcdefghijklmnopqrstuvwxyz234567", sealed, sealed_len,
		     digits, ROOST_BASE32_LEN(sealed_len));
	return t_strconcat(ROOST_TOKEN_PREFIX, digits, NULL);
}

/* Write keywords into the index's header, as a message would that has them. */
static void
store(struct fixture *f, const unsigned int *idx, unsigned int count)
{
	struct mail_index_view *view = mail_index_view_open(f->index);
	struct mail_index_transaction *trans =
		mail_index_transaction_begin(view, 0);
	ARRAY_TYPE(keyword_indexes) list;
	struct mail_keywords *keywords;
	uint32_t seq, validity = 1;

	t_array_init(&list, count);
	array_append(&list, idx, count);
	keywords = mail_index_keywords_create_from_indexes(f->index, &list);
	mail_index_update_header(trans,
		offsetof(struct mail_index_header, uid_validity),
		&validity, sizeof(validity), TRUE);
	mail_index_append(trans, mail_index_get_header(view)->next_uid, &seq);
	mail_index_update_keywords(trans, seq, MODIFY_ADD, keywords);
	mail_index_keywords_unref(&keywords);
	if (mail_index_transaction_commit(&trans) < 0 ||
	    mail_index_refresh(f->index) < 0)
		i_fatal("cannot store keywords");
	mail_index_view_close(&view);
}

static void
test_both_ways(void)
{
	struct fixture f;
	unsigned int idx;

	test_begin("a private name is stored as its token and shown as itself");
	fixture_init(&f);
	test_assert(roost_keyword_index_find(f.index) == f.kindex);
	test_assert(roost_keyword_index_get(f.index) == f.kindex);
	test_assert(*roost_keyword_index_boxes(f.kindex) == NULL);
	idx = take(&f, "Dentist");
	test_assert_strcmp(stored(&f, idx), token_of(&f.alice, "Dentist"));
	test_assert_strcmp(shown(&f, idx), "Dentist");
	test_assert_strcmp(roost_keyword_index_name(f.kindex, stored(&f, idx)),
			   "Dentist");
	test_assert(finds(&f, "dENTIST", idx));
	test_assert(finds(&f, token_of(&f.alice, "Dentist"), idx));
	test_assert(roost_keyword_index_is_opened(f.kindex, idx));
	test_assert(roost_keyword_index_check(f.kindex, &f.access, idx) ==
		    ROOST_KEYWORD_OK);
	/* The other way: the token first, as from a disk. */
	idx = take(&f, token_of(&f.alice, "Plan-B"));
	test_assert_strcmp(shown(&f, idx), "Plan-B");
	test_assert(finds(&f, "plan-b", idx));
	test_assert(take(&f, "PLAN-B") == idx);
	test_assert(!roost_keyword_index_has_twins(f.kindex));
	test_assert(roost_keyword_index_first(f.kindex, idx) == idx);
	test_assert_strcmp(roost_keyword_index_name(f.kindex, "Nobody"),
			   "Nobody");
	fixture_deinit(&f);
	test_end();
}

static void
test_readable_names(void)
{
	static const char *const names[] = {
		"$Forwarded", "junk", "unknown-5", "Unknown-5?",
	};
	struct fixture f;
	unsigned int i, idx;

	test_begin("which names stay readable goes by the mode");
	for (i = 0; i < N_ELEMENTS(names); i++) {
		fixture_init(&f);
		idx = take(&f, names[i]);
		test_assert_strcmp(stored(&f, idx), names[i]);
		test_assert(!roost_keyword_index_is_opened(f.kindex, idx));
		test_assert(roost_keyword_index_check(f.kindex, &f.access,
						      idx) ==
			    ROOST_KEYWORD_OK);
		f.access.mode = ROOST_KEYWORDS_ALL;
		test_assert(roost_keyword_index_check(f.kindex, &f.access,
						      idx) ==
			    ROOST_KEYWORD_BARE);
		roost_keyword_index_sync(f.kindex, &f.access);
		test_assert_strcmp(stored(&f, idx),
				   token_of(&f.alice, names[i]));
		test_assert_strcmp(shown(&f, idx), names[i]);
		fixture_deinit(&f);
	}
	fixture_init(&f);
	f.access.mode = ROOST_KEYWORDS_OFF;
	idx = take(&f, "Dentist");
	test_assert_strcmp(stored(&f, idx), "Dentist");
	test_assert(roost_keyword_index_check(f.kindex, &f.access, idx) ==
		    ROOST_KEYWORD_OK);
	fixture_deinit(&f);
	test_end();
}

static void
test_without_a_key(void)
{
	struct fixture f;
	unsigned int name, token;

	test_begin("without a key tokens are shown and private names bare");
	fixture_init(&f);
	f.access.key = NULL;
	test_assert(!roost_keyword_index_wants_key(f.kindex, 0,
						   ROOST_KEYWORDS_PRIVATE));
	(void)take(&f, "$Forwarded");
	test_assert(!roost_keyword_index_wants_key(f.kindex, 0,
						   ROOST_KEYWORDS_PRIVATE));
	name = take(&f, "Dentist");
	test_assert(roost_keyword_index_wants_key(f.kindex, 0,
						  ROOST_KEYWORDS_PRIVATE));
	test_assert(!roost_keyword_index_wants_key(f.kindex, name + 1,
						   ROOST_KEYWORDS_PRIVATE));
	token = take(&f, token_of(&f.alice, "Plan-B"));
	test_assert(roost_keyword_index_wants_key(f.kindex, token,
						  ROOST_KEYWORDS_OFF));
	test_assert_strcmp(stored(&f, name), "Dentist");
	test_assert_strcmp(shown(&f, token), stored(&f, token));
	test_assert(roost_keyword_index_check(f.kindex, &f.access, name) ==
		    ROOST_KEYWORD_BARE);
	test_assert(roost_keyword_index_check(f.kindex, &f.access, token) ==
		    ROOST_KEYWORD_FORGED);
	/* Then the key comes. */
	f.access.key = &f.alice;
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert_strcmp(stored(&f, name), token_of(&f.alice, "Dentist"));
	test_assert_strcmp(shown(&f, name), "Dentist");
	test_assert_strcmp(shown(&f, token), "Plan-B");
	test_assert(roost_keyword_index_wants_key(f.kindex, 9,
						  ROOST_KEYWORDS_OFF));
	fixture_deinit(&f);
	test_end();
}

static void
test_keyring_of_another(void)
{
	struct fixture f;
	unsigned int mine, idx;

	test_begin("what one keyring opened is not shown to the next");
	fixture_init(&f);
	mine = take(&f, "Dentist");
	f.access.key = &f.bob;
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert_strcmp(shown(&f, mine), token_of(&f.alice, "Dentist"));
	test_assert(!mail_index_keyword_lookup(f.index, "Dentist", &idx));
	test_assert(!roost_keyword_index_is_opened(f.kindex, mine));
	test_assert(roost_keyword_index_is_foreign(f.kindex, &f.box, mine));
	test_assert(roost_keyword_index_check(f.kindex, &f.access, mine) ==
		    ROOST_KEYWORD_FORGED);
	idx = take(&f, "Dentist");
	test_assert(idx != mine);
	test_assert_strcmp(stored(&f, idx), token_of(&f.bob, "Dentist"));
	roost_keyword_index_allow(f.kindex, mine);
	test_assert(roost_keyword_index_check(f.kindex, &f.access, mine) ==
		    ROOST_KEYWORD_OK);
	f.access.key = NULL;
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert(!mail_index_keyword_lookup(f.index, "Dentist", &idx));
	fixture_deinit(&f);
	test_end();
}

static void
test_damaged_token(void)
{
	struct fixture f;
	char *token;
	unsigned int i, idx;

	test_begin("a damaged token is shown as it is, and kept where it is");
	for (i = ROOST_TOKEN_PREFIX_SIZE; i < 30; i++) {
		fixture_init(&f);
		token = t_strdup_noconst(token_of(&f.alice, "Dentist"));
		token[i] = token[i] == 'a' || token[i] == 'A' ? 'b' : 'a';
		idx = take(&f, token);
		test_assert_idx(strcmp(shown(&f, idx), token) == 0, i);
		test_assert_idx(roost_keyword_index_is_foreign(f.kindex,
							&f.box, idx), i);
		store(&f, &idx, 1);
		test_assert_idx(!roost_keyword_index_is_foreign(f.kindex,
							&f.box, idx), i);
		test_assert_idx(roost_keyword_index_check(f.kindex, &f.access,
					idx) == ROOST_KEYWORD_OK, i);
		test_assert_idx(strcmp(stored(&f, idx), token) == 0, i);
		fixture_deinit(&f);
	}
	test_end();
}

/* A token of what looks like a token would be shown as one. */
static void
test_token_of_a_token(void)
{
	struct fixture f;
	const char *inner;
	unsigned int idx;

	test_begin("a token that opens to a token is not opened");
	fixture_init(&f);
	inner = token_of(&f.bob, "x");
	idx = take(&f, token_of(&f.alice, inner));
	test_assert(!roost_keyword_index_is_opened(f.kindex, idx));
	test_assert_strcmp(shown(&f, idx), stored(&f, idx));
	fixture_deinit(&f);
	test_end();
}

static void
test_twin_tokens(void)
{
	struct fixture f;
	unsigned int one, two, three;

	test_begin("two tokens of one name are one keyword to a client");
	fixture_init(&f);
	one = take(&f, old_token_of(&f.alice, "Dentist"));
	two = take(&f, old_token_of(&f.alice, "dentist"));
	three = take(&f, "Other");
	test_assert(one != two);
	test_assert(roost_keyword_index_has_twins(f.kindex));
	test_assert_strcmp(shown(&f, one), "Dentist");
	test_assert(roost_keyword_index_shown_at(f.kindex, one) ==
		    roost_keyword_index_shown_at(f.kindex, two));
	test_assert(array_count(roost_keyword_index_shown(f.kindex)) == 2);
	test_assert(array_count(roost_keyword_index_names(f.kindex)) == 3);
	test_assert(roost_keyword_index_first(f.kindex, two) == one);
	test_assert(roost_keyword_index_first(f.kindex, one) == one);
	test_assert(roost_keyword_index_first(f.kindex, three) == three);
	test_assert(roost_keyword_index_first(f.kindex, 99) == 99);
	test_assert(finds(&f, "DENTIST", one));
	/* A name of this build: it has the token of the first. */
	test_assert(take(&f, "denTist") == one);
	fixture_deinit(&f);
	test_end();
}

static void
test_twin_in_clear(void)
{
	struct fixture f;
	unsigned int plain, token;

	test_begin("a name that is on disk in clear stays, beside its token");
	fixture_init(&f);
	f.access.mode = ROOST_KEYWORDS_OFF;
	plain = take(&f, "Dentist");
	store(&f, &plain, 1);
	f.access.mode = ROOST_KEYWORDS_PRIVATE;
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert_strcmp(stored(&f, plain), "Dentist");
	test_assert(roost_keyword_index_check(f.kindex, &f.access, plain) ==
		    ROOST_KEYWORD_OK);
	token = take(&f, token_of(&f.alice, "DENTIST"));
	test_assert(token != plain);
	test_assert(roost_keyword_index_has_twins(f.kindex));
	test_assert(roost_keyword_index_first(f.kindex, token) == plain);
	test_assert_strcmp(shown(&f, token), "Dentist");
	test_assert(finds(&f, "dentist", plain));
	/* Another keyring: what is in the header is found as before. */
	f.access.key = &f.bob;
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert(finds(&f, "dentist", plain));
	test_assert(!roost_keyword_index_has_twins(f.kindex));
	fixture_deinit(&f);
	test_end();
}

/* The name was only asked for, and then its token came. */
static void
test_name_asked_for_before(void)
{
	struct fixture f;
	unsigned int plain, token;

	test_begin("a name that nobody stored gives way to its token");
	fixture_init(&f);
	plain = ask(&f, "Dentist");
	token = ask(&f, token_of(&f.alice, "dentist"));
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert(finds(&f, "Dentist", token));
	test_assert_strcmp(stored(&f, plain), stored(&f, token));
	test_assert(roost_keyword_index_shown_at(f.kindex, plain) ==
		    roost_keyword_index_shown_at(f.kindex, token));
	test_assert(roost_keyword_index_first(f.kindex, plain) == token);
	fixture_deinit(&f);
	test_end();
}

static void
maildir_list(struct fixture *f, const char *text)
{
	struct ostream *output = o_stream_create_file(
		t_strconcat(f->dir, "/dovecot-keywords", NULL), 0, 0600, 0);

	o_stream_nsend_str(output, text);
	if (o_stream_finish(output) < 0)
		i_fatal("cannot write: %s", o_stream_get_error(output));
	o_stream_destroy(&output);
}

static void
test_maildir_letters(void)
{
	struct fixture f;
	unsigned int listed, token, other;

	test_begin("a name in maildir's list is on disk, until it leaves it");
	fixture_init(&f);
	maildir_list(&f, "0 Dentist\nbroken\n1 Another\n");
	f.storage.name = "maildir";
	/* Without the path there is no list. */
	other = take(&f, "Another");
	test_assert_strcmp(stored(&f, other), token_of(&f.alice, "Another"));
	control_dir = f.dir;
	listed = take(&f, "DENTIST");
	test_assert_strcmp(stored(&f, listed), "DENTIST");
	token = take(&f, token_of(&f.alice, "Dentist"));
	test_assert(token != listed);
	test_assert(finds(&f, "Dentist", listed));
	/* It is made anew without the name. */
	maildir_list(&f, "1 Another\n");
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert_strcmp(stored(&f, listed), "DENTIST");
	test_assert(roost_keyword_index_check(f.kindex, &f.access, listed) ==
		    ROOST_KEYWORD_BARE);
	roost_keyword_index_recheck(f.kindex);
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert_strcmp(stored(&f, listed), stored(&f, token));
	test_assert(roost_keyword_index_first(f.kindex, listed) == token);
	test_assert(roost_keyword_index_check(f.kindex, &f.access, listed) ==
		    ROOST_KEYWORD_OK);
	fixture_deinit(&f);
	test_end();
}

static void
test_spelled_as_header(void)
{
	struct fixture f;
	const char *spelled;
	unsigned int idx;

	test_begin("a token is written in the spelling that the header has");
	fixture_init(&f);
	/* Another session's, read from the log. */
	f.access.key = NULL;
	idx = take(&f, spelled = token_of(&f.alice, "DENTIST"));
	store(&f, &idx, 1);
	roost_keyword_index_spell_as_header(f.kindex, idx);
	f.access.key = &f.alice;
	roost_keyword_index_sync(f.kindex, &f.access);
	{
		/* Ours, which was made before. */
		const char *ours = p_strdup(f.index->keywords_pool,
					    token_of(&f.alice, "dentist"));

		test_assert(strcmp(ours, spelled) != 0);
		array_idx_set(&f.index->keywords, idx, &ours);
	}
	roost_keyword_index_spell_as_header(f.kindex, idx);
	test_assert_strcmp(stored(&f, idx), spelled);
	roost_keyword_index_spell_as_header(f.kindex, idx);
	test_assert_strcmp(stored(&f, idx), spelled);
	/* What no header has stays. */
	idx = take(&f, "Other");
	roost_keyword_index_spell_as_header(f.kindex, idx);
	test_assert_strcmp(stored(&f, idx), token_of(&f.alice, "Other"));
	fixture_deinit(&f);
	test_end();
}

static void
test_names_too_long(void)
{
	struct fixture f;
	char name[ROOST_TOKEN_NAME_MAX + 2];
	unsigned int idx;

	test_begin("a name that is too long for a token stays, and is refused");
	fixture_init(&f);
	memset(name, 'n', sizeof(name));
	name[ROOST_TOKEN_NAME_MAX + 1] = '\0';
	idx = take(&f, name);
	test_assert_strcmp(stored(&f, idx), name);
	test_assert(roost_keyword_index_check(f.kindex, &f.access, idx) ==
		    ROOST_KEYWORD_BARE);
	name[ROOST_TOKEN_NAME_MAX] = '\0';
	idx = take(&f, name);
	test_assert(strlen(stored(&f, idx)) == ROOST_TOKEN_MAX);
	test_assert_strcmp(shown(&f, idx), name);
	fixture_deinit(&f);
	test_end();
}

static void
test_many_names(void)
{
	const unsigned int count = 1000;
	struct fixture f;
	unsigned int i, idx;

	test_begin("a thousand names: each has its token, on disk, too");
	fixture_init(&f);
	for (i = 0; i < count; i++) T_BEGIN {
		idx = take(&f, t_strdup_printf("Name-%u", i));
		test_assert_idx(idx == i, i);
		store(&f, &idx, 1);
	} T_END;
	test_assert(array_count(roost_keyword_index_shown(f.kindex)) == count);
	/* What the next process reads. */
	index_close(&f);
	index_open(&f);
	roost_keyword_index_sync(f.kindex, &f.access);
	test_assert(array_count(&f.index->keywords) == count);
	for (i = 0; i < count; i++) T_BEGIN {
		const char *name = t_strdup_printf("Name-%u", i);

		test_assert_idx(mail_index_keyword_lookup(f.index, name,
							  &idx), i);
		test_assert_idx(strcmp(shown(&f, idx), name) == 0, i);
		test_assert_idx(is_claimed(stored(&f, idx)), i);
	} T_END;
	fixture_deinit(&f);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_both_ways,
		test_readable_names,
		test_without_a_key,
		test_keyring_of_another,
		test_damaged_token,
		test_token_of_a_token,
		test_twin_tokens,
		test_twin_in_clear,
		test_name_asked_for_before,
		test_maildir_letters,
		test_spelled_as_header,
		test_names_too_long,
		test_many_names,
		NULL
	};

	/* An index is known by the time it was made at. */
	ioloop_time = 1;
	return kit_run(tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * keyring_text: the text of a keyring (FORMAT.md 7).  Each content has one
 * text, and every other text is refused at its gate.
 */
#define _GNU_SOURCE	/* memmem */
#include "kit.h"

#include "roost/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kit_ring *ring;

static int
group_setup(void **state)
{
	if (kit_setup(state) != 0)
		return -1;
	ring = kit_ring_new(KIT_SLOT_ALL);
	return 0;
}

static int
group_teardown(void **state)
{
	free(ring);
	return kit_teardown(state);
}

/* Parse a document.  If it is accepted, writing it must give the same bytes. */
static enum roost_err
parse(const char *doc, size_t len, unsigned int *line_r)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	enum roost_err err;
	char *again;
	size_t again_len;

	memset(kr, 0x55, sizeof(*kr));
	err = roost_keyring_parse((const char *)kit_at_fence(doc, len), len,
				  kr, line_r);
	if (err == ROOST_OK) {
		again = kit_ring_text(kr, &again_len);
		assert_int_equal(again_len, len);
		assert_memory_equal(again, doc, len);
		free(again);
	}
	free(kr);
	return err;
}

static void
assert_doc(const char *doc, size_t len, enum roost_err gate)
{
	unsigned int line;
	enum roost_err err = parse(doc, len, &line);

	if (err != gate)
		print_error("%.*s\n", (int)len, doc);
	assert_gate(err, gate);
}

static char *
ring_text(size_t *len_r)
{
	return kit_ring_text(&ring->kr, len_r);
}

static void
assert_ring(enum roost_err gate)
{
	char *doc;
	size_t len;

	doc = ring_text(&len);
	assert_doc(doc, len, gate);
	free(doc);
}

/* Returns the gate of the document once the first "from" in it is replaced. */
static enum roost_err
parse_replaced(const char *from, const char *to)
{
	size_t len, from_len = strlen(from), to_len = strlen(to), head;
	char *doc = ring_text(&len), *at, *changed;
	unsigned int line;
	enum roost_err err;

	at = memmem(doc, len, from, from_len);
	assert_non_null(at);
	head = (size_t)(at - doc);
	changed = kit_new(len - from_len + to_len);
	memcpy(changed, doc, head);
	memcpy(changed + head, to, to_len);
	memcpy(changed + head + to_len, at + from_len, len - head - from_len);
	err = parse(changed, len - from_len + to_len, &line);
	free(changed);
	free(doc);
	return err;
}

/* The lines of a document: where each starts, and how long it is with its
   LF. */
struct lines {
	char *doc;
	size_t len, count;
	size_t off[20], size[20];
};

static struct lines
lines_get(void)
{
	struct lines lines = { .count = 0 };
	size_t i, start = 0;

	lines.doc = ring_text(&lines.len);
	for (i = 0; i < lines.len; i++) {
		if (lines.doc[i] != '\n')
			continue;
		assert_true(lines.count < 20);
		lines.off[lines.count] = start;
		lines.size[lines.count++] = i + 1 - start;
		start = i + 1;
	}
	return lines;
}

/* Parse the lines with these numbers, in this order. */
static enum roost_err
parse_lines(const struct lines *lines, const size_t *order, size_t count,
	    unsigned int *line_r)
{
	char *doc = kit_new(2 * lines->len);
	size_t i, len = 0;
	enum roost_err err;

	for (i = 0; i < count; i++) {
		memcpy(doc + len, lines->doc + lines->off[order[i]],
		       lines->size[order[i]]);
		len += lines->size[order[i]];
	}
	err = parse(doc, len, line_r);
	free(doc);
	return err;
}

static void
test_parsing_and_writing_give_the_same_bytes(void **state)
{
	unsigned int slots;

	(void)state;
	assert_ring(ROOST_OK);
	for (slots = 1; slots < 16; slots += kit_is_quick() ? 14 : 1) {
		struct kit_ring *other = kit_ring_new(slots);
		size_t len;
		char *doc = kit_ring_text(&other->kr, &len);

		assert_doc(doc, len, ROOST_OK);
		free(doc);
		free(other);
	}
}

static void
test_a_parsed_keyring_has_what_was_written(void **state)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	unsigned int line, i;
	char *doc;
	size_t len;

	(void)state;
	doc = ring_text(&len);
	assert_good(roost_keyring_parse(doc, len, kr, &line));
	assert_memory_equal(kr->id, ring->kr.id, ROOST_ID_SIZE);
	assert_memory_equal(kr->identity, ring->kr.identity, 32);
	assert_string_equal(kr->owner, KIT_OWNER);
	assert_true(kr->generation == 1);
	assert_int_equal(kr->policy, ROOST_POLICY_OPEN);
	assert_int_equal(kr->epoch_count, 1);
	assert_int_equal(kr->slot_count, 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(kr->slots[i].number, i + 1);
		assert_int_equal(kr->slots[i].type, i);
		assert_true(kr->slots[i].created == 1700000000);
		assert_true(roost_keyring_has_slot(kr,
						   (enum roost_slot_type)i));
	}
	assert_int_equal(kr->slots[1].t, 1);
	assert_int_equal(kr->slots[1].m_kib, 8192);
	free(doc);
	free(kr);
}

static void
test_the_text_is_that_of_the_format(void **state)
{
	struct lines lines = lines_get();
	static const char *const heads[] = {
		"roost-keyring 1\n", "id ", "identity ed25519 ",
		"owner anna@example.org\n",
		"generation 1\n", "policy open\n", "host ", "epoch 1 x25519 ",
		"slot 1 provider 1700000000 ",
		"slot 2 password 1700000000 argon2id 1 8192 ",
		"slot 3 app 1700000000 ", "slot 4 recovery 1700000000 ",
		"secrets ", "owner-sig ", "provider-mac ",
	};
	static const size_t sizes[] = { 16, 26, 61, 23, 13, 12, 98, 70, 108,
		147, 126, 131, 180, 97, 57 };
	size_t i;

	(void)state;
	assert_int_equal(lines.count, KIT_COUNT(heads));
	for (i = 0; i < lines.count; i++) {
		assert_memory_equal(lines.doc + lines.off[i], heads[i],
				    strlen(heads[i]));
		assert_int_equal(lines.size[i], sizes[i]);
	}
	free(lines.doc);
}

static void
test_an_empty_or_huge_document_is_refused(void **state)
{
	char *doc = kit_new(ROOST_KEYRING_DOC_MAX + 1);
	unsigned int line = 9;

	(void)state;
	memset(doc, 'a', ROOST_KEYRING_DOC_MAX + 1);
	doc[ROOST_KEYRING_DOC_MAX - 1] = doc[ROOST_KEYRING_DOC_MAX] = '\n';
	assert_gate(parse(doc, 0, &line), ROOST_ERR_DOC_SIZE);
	assert_int_equal(line, 0);
	assert_doc(doc, ROOST_KEYRING_DOC_MAX + 1, ROOST_ERR_DOC_SIZE);
	assert_doc(doc, ROOST_KEYRING_DOC_MAX, ROOST_ERR_DOC_VERSION);
	free(doc);
}

static void
test_every_prefix_is_refused(void **state)
{
	size_t len, cut;
	char *doc;

	(void)state;
	doc = ring_text(&len);
	for (cut = 0; cut < len; cut++) {
		unsigned int line;

		assert_true(parse(doc, cut, &line) != ROOST_OK);
	}
	free(doc);
}

/* Every byte value that no document has is put in every place. */
static void
test_bytes_that_are_no_text_are_refused(void **state)
{
	size_t len, i, step = kit_is_quick() ? 97 : 7;
	char *doc;
	int c;

	(void)state;
	doc = ring_text(&len);
	for (i = 0; i < len; i += step) {
		char old = doc[i];

		for (c = 0; c < 256; c++) {
			if (c == '\n' || (c >= 0x20 && c <= 0x7e))
				continue;
			doc[i] = (char)c;
			assert_doc(doc, len, ROOST_ERR_DOC_LINE);
		}
		doc[i] = old;
	}
	free(doc);
}

static void
test_an_escrow_slot_names_its_kind_of_key(void **state)
{
	struct kit_ring *all = ring;
	char right[64], wrong[64];

	(void)state;
	ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD) |
			    KIT_SLOT(ROOST_SLOT_ESCROW));
	snprintf(right, sizeof(right), "escrow %"PRIu64" x25519 ",
		 ring->kr.slots[1].created);
	snprintf(wrong, sizeof(wrong), "escrow %"PRIu64" x25518 ",
		 ring->kr.slots[1].created);
	assert_good(parse_replaced(right, right));
	assert_gate(parse_replaced(right, wrong), ROOST_ERR_DOC_FIELD);
	free(ring);
	ring = all;
}

static void
test_blank_space_has_one_form(void **state)
{
	(void)state;
	assert_gate(parse_replaced("\nid ", "\n\nid "), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("\nid ", "\n id "), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("\nid ", " \nid "), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("\nid ", "\nid  "), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("\nid ", "\r\nid "), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("\nid ", "\nid\t"), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("roost", " roost"), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("roost", "\nroost"), ROOST_ERR_DOC_LINE);
	assert_gate(parse_replaced("policy open\n", "policy open\n#\n"),
		    ROOST_ERR_DOC_RECORD);
}

static void
test_nothing_follows_the_last_line(void **state)
{
	static const char *const rests[] = { "\n", "a", "id x\n", " " };
	static const enum roost_err gates[] = { ROOST_ERR_DOC_LINE,
		ROOST_ERR_DOC_LINE, ROOST_ERR_DOC_RECORD,
		ROOST_ERR_DOC_LINE };
	size_t i, len;
	char *doc;

	(void)state;
	for (i = 0; i < KIT_COUNT(rests); i++) {
		doc = ring_text(&len);
		doc = realloc(doc, len + 10);
		assert_non_null(doc);
		memcpy(doc + len, rests[i], strlen(rests[i]));
		assert_doc(doc, len + strlen(rests[i]), gates[i]);
		free(doc);
	}
	doc = ring_text(&len);
	assert_doc(doc, len - 1, ROOST_ERR_DOC_LINE);
	free(doc);
}

static void
test_another_version_is_refused_as_such(void **state)
{
	static const char *const firsts[] = {
		"roost-keyring 2", "roost-keyring 01", "roost-keyring 10",
		"roost-keyring", "roost-keyring 1 1", "Roost-keyring 1",
		"roost-keyrin 1", "x"
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(firsts); i++)
		assert_gate(parse_replaced("roost-keyring 1", firsts[i]),
			    ROOST_ERR_DOC_VERSION);
}

/* A missing first epoch or slot has a gate of its own (FORMAT.md 7.7). */
static void
test_a_missing_record_is_refused(void **state)
{
	struct lines lines = lines_get();
	size_t order[20], i, left;

	(void)state;
	for (left = 0; left < lines.count; left++) {
		enum roost_err right = ROOST_ERR_DOC_RECORD;
		unsigned int line;
		size_t count = 0;

		for (i = 0; i < lines.count; i++) {
			if (i != left)
				order[count++] = i;
		}
		if (left == 0)
			right = ROOST_ERR_DOC_VERSION;
		if (left == 7)
			right = ROOST_ERR_DOC_EPOCH;
		/* One slot of four may be missing. */
		if (left >= 8 && left <= 11)
			right = ROOST_OK;
		assert_gate(parse_lines(&lines, order, count, &line), right);
		if (right == ROOST_ERR_DOC_RECORD && left < 13)
			assert_int_equal(line, left + 1);
	}
	free(lines.doc);
}

static void
test_a_document_without_slots_is_refused(void **state)
{
	static const size_t order[] = { 0, 1, 2, 3, 4, 5, 6, 7, 12, 13,
		14 };
	struct lines lines = lines_get();
	unsigned int line;

	(void)state;
	assert_gate(parse_lines(&lines, order, KIT_COUNT(order), &line),
		    ROOST_ERR_DOC_SLOT);
	assert_gate(parse_lines(&lines, order, 8, &line),
		    ROOST_ERR_DOC_SLOT);
	assert_gate(parse_lines(&lines, order, 7, &line),
		    ROOST_ERR_DOC_EPOCH);
	free(lines.doc);
}

static void
test_a_repeated_record_is_refused(void **state)
{
	struct lines lines = lines_get();
	size_t order[20], i, twice;

	(void)state;
	for (twice = 0; twice < lines.count; twice++) {
		enum roost_err right = ROOST_ERR_DOC_RECORD;
		unsigned int line;
		size_t count = 0;

		for (i = 0; i < lines.count; i++) {
			order[count++] = i;
			if (i == twice)
				order[count++] = i;
		}
		if (twice == 6 || twice == 7)
			right = ROOST_ERR_DOC_EPOCH;
		if (twice >= 8 && twice <= 11)
			right = ROOST_ERR_DOC_SLOT;
		assert_gate(parse_lines(&lines, order, count, &line), right);
	}
	free(lines.doc);
}

static void
test_records_have_one_order(void **state)
{
	struct lines lines = lines_get();
	size_t order[20], a, b, i;

	(void)state;
	for (a = 0; a < lines.count; a++) {
		for (b = a + 1; b < lines.count; b++) {
			unsigned int line;

			for (i = 0; i < lines.count; i++)
				order[i] = i == a ? b : i == b ? a : i;
			assert_true(parse_lines(&lines, order, lines.count,
						&line) != ROOST_OK);
		}
	}
	free(lines.doc);
}

/* Every line gets one field more, and one less. */
static void
test_every_record_has_its_number_of_fields(void **state)
{
	struct lines lines = lines_get();
	size_t i, end;

	(void)state;
	for (i = 1; i < lines.count; i++) {
		char *doc = kit_new(lines.len + 2);
		const char *gap;

		end = lines.off[i] + lines.size[i] - 1;
		memcpy(doc, lines.doc, end);
		memcpy(doc + end, " x", 2);
		memcpy(doc + end + 2, lines.doc + end, lines.len - end);
		assert_doc(doc, lines.len + 2, ROOST_ERR_DOC_FIELD);
		gap = memrchr(lines.doc + lines.off[i], ' ', lines.size[i]);
		assert_non_null(gap);
		memcpy(doc + (gap - lines.doc), lines.doc + end,
		       lines.len - end);
		assert_doc(doc, lines.len - (end - (size_t)(gap - lines.doc)),
			   ROOST_ERR_DOC_FIELD);
		free(doc);
	}
	free(lines.doc);
}

static void
test_many_fields_are_too_many(void **state)
{
	static const char fields[] = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15";

	(void)state;
	assert_gate(parse_replaced(" 1 8192", fields), ROOST_ERR_DOC_FIELD);
	assert_gate(parse_replaced("roost-keyring 1", "roost-keyring 1 2 3 4 "
				   "5 6 7 8 9 10 11 12 13 14 15 16"),
		    ROOST_ERR_DOC_VERSION);
}

static void
test_words_are_exact(void **state)
{
	static const struct {
		const char *from, *to;
		enum roost_err gate;
	} words[] = {
		{ "policy open", "policy opens", ROOST_ERR_DOC_FIELD },
		{ "policy open", "policy ope", ROOST_ERR_DOC_FIELD },
		{ "policy open", "policy Open", ROOST_ERR_DOC_FIELD },
		{ "policy open", "policy sealed", ROOST_OK },
		{ "ed25519", "ed25518", ROOST_ERR_DOC_FIELD },
		{ "ed25519", "ed2551", ROOST_ERR_DOC_FIELD },
		{ "ed25519 ", "", ROOST_ERR_DOC_FIELD },
		{ "x25519", "x25518", ROOST_ERR_DOC_FIELD },
		{ "x25519", "x2551", ROOST_ERR_DOC_FIELD },
		{ "argon2id", "argon2i", ROOST_ERR_DOC_FIELD },
		{ " app ", " apps ", ROOST_ERR_DOC_FIELD },
		{ " app ", " ap ", ROOST_ERR_DOC_FIELD },
		{ " app ", " provider ", ROOST_ERR_DOC_FIELD },
		{ " app ", " password ", ROOST_ERR_DOC_FIELD },
		{ " app ", " recovery ", ROOST_OK },
		{ "\nid ", "\nID ", ROOST_ERR_DOC_RECORD },
		{ "\nslot 3", "\nslots 3", ROOST_ERR_DOC_RECORD },
		{ "\nepoch 1", "\nepochs 1", ROOST_ERR_DOC_EPOCH },
		{ "\nidentity ", "\nidentities ", ROOST_ERR_DOC_RECORD },
		{ "\nowner ", "\nowner-sig ", ROOST_ERR_DOC_RECORD },
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(words); i++)
		assert_gate(parse_replaced(words[i].from, words[i].to),
			    words[i].gate);
}

static void
test_numbers_have_one_form_and_a_range(void **state)
{
	static const struct {
		const char *from, *to;
		enum roost_err gate;
	} numbers[] = {
#define GENERATION(n) "generation 1\n", "generation " n "\n"
		{ GENERATION("0"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("01"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("+1"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("-1"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("1a"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("0x1"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("1."), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("/"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION(":"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("2"), ROOST_OK },
		{ GENERATION("9007199254740991"), ROOST_OK },
		{ GENERATION("9007199254740992"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("18446744073709551615"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("18446744073709551617"), ROOST_ERR_DOC_NUMBER },
		{ GENERATION("99999999999999999999999999999"),
		  ROOST_ERR_DOC_NUMBER },
#define CREATED(n) "app 1700000000 ", "app " n " "
		{ CREATED("0"), ROOST_OK },
		{ CREATED("00"), ROOST_ERR_DOC_NUMBER },
		{ CREATED("9007199254740991"), ROOST_OK },
		{ CREATED("9007199254740992"), ROOST_ERR_DOC_NUMBER },
#define SLOT(n) "slot 4 ", "slot " n " "
		{ SLOT("5"), ROOST_OK },
		{ SLOT("2147483647"), ROOST_OK },
		{ SLOT("2147483648"), ROOST_ERR_DOC_NUMBER },
		{ SLOT("4294967300"), ROOST_ERR_DOC_NUMBER },
		{ SLOT("04"), ROOST_ERR_DOC_NUMBER },
		{ "slot 1 ", "slot 0 ", ROOST_ERR_DOC_NUMBER },
#define EPOCH(n) "epoch 1 ", "epoch " n " "
		{ EPOCH("0"), ROOST_ERR_DOC_NUMBER },
		{ EPOCH("2"), ROOST_ERR_DOC_EPOCH },
		{ EPOCH("2147483647"), ROOST_ERR_DOC_EPOCH },
		{ EPOCH("2147483648"), ROOST_ERR_DOC_NUMBER },
		{ EPOCH("4294967297"), ROOST_ERR_DOC_NUMBER },
#define COST(n) "argon2id 1 8192 ", "argon2id " n " "
		{ COST("0 0"), ROOST_OK },
		{ COST("2147483647 2147483647"), ROOST_OK },
		{ COST("2147483648 8192"), ROOST_ERR_DOC_NUMBER },
		{ COST("1 2147483648"), ROOST_ERR_DOC_NUMBER },
		{ COST("01 8192"), ROOST_ERR_DOC_NUMBER },
		{ COST("1 08192"), ROOST_ERR_DOC_NUMBER },
		{ COST("1 4294975488"), ROOST_ERR_DOC_NUMBER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(numbers); i++)
		assert_gate(parse_replaced(numbers[i].from, numbers[i].to),
			    numbers[i].gate);
}

static void
test_slots_ascend_and_may_leave_gaps(void **state)
{
	(void)state;
	assert_gate(parse_replaced("slot 2 ", "slot 1 "),
		    ROOST_ERR_DOC_SLOT);
	assert_gate(parse_replaced("slot 2 ", "slot 3 "),
		    ROOST_ERR_DOC_SLOT);
	assert_gate(parse_replaced("slot 4 ", "slot 3 "),
		    ROOST_ERR_DOC_SLOT);
	assert_gate(parse_replaced("slot 4 ", "slot 44 "), ROOST_OK);
}

static void
test_a_third_password_is_refused(void **state)
{
	struct roost_keyring *kr = &ring->kr;
	struct roost_slot old = kr->slots[3], third = kr->slots[2];

	(void)state;
	kr->slots[3] = kr->slots[1];
	kr->slots[3].number = 4;
	assert_ring(ROOST_OK);
	kr->slots[2] = kr->slots[1];
	kr->slots[2].number = 3;
	assert_ring(ROOST_ERR_DOC_SLOT);
	kr->slots[3] = old;
	assert_ring(ROOST_OK);
	kr->slots[2] = third;
}

static void
test_there_are_1_to_64_slots(void **state)
{
	struct roost_keyring *kr = &ring->kr;
	char line[200], *doc, *secrets;
	size_t len, line_len;

	(void)state;
	while (kr->slot_count < ROOST_KEYRING_SLOTS_MAX) {
		kr->slots[kr->slot_count] = kr->slots[0];
		kr->slots[kr->slot_count].number = kr->slot_count + 1;
		kr->slot_count++;
	}
	doc = ring_text(&len);
	assert_doc(doc, len, ROOST_OK);
	secrets = memmem(doc, len, "slot 1 ", 7);
	assert_non_null(secrets);
	line_len = (size_t)((char *)memchr(secrets, '\n', 200) - secrets);
	memcpy(line, "slot 65", 7);
	memcpy(line + 7, secrets + 6, line_len + 1 - 6);
	line_len += 2;
	doc = realloc(doc, len + line_len);
	assert_non_null(doc);
	secrets = memmem(doc, len, "secrets ", 8);
	assert_non_null(secrets);
	memmove(secrets + line_len, secrets, len - (size_t)(secrets - doc));
	memcpy(secrets, line, line_len);
	assert_doc(doc, len + line_len, ROOST_ERR_DOC_SLOT);
	free(doc);
	kr->slot_count = 4;
}

/* There are as many epochs as fit, and too many for any document. */
static void
test_epochs_count_from_one(void **state)
{
	static const unsigned int counts[] = { 2, 3, 100, 400, 420 };
	struct kit_ring *many = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_keyring *kr = &many->kr;
	unsigned int i;
	size_t j, len;
	char *doc;

	(void)state;
	kit_fill(kr->secrets, sizeof(kr->secrets));
	for (i = 0; i < ROOST_KEYRING_EPOCHS_MAX; i++) {
		kr->epochs[i] = kr->epochs[0];
		kr->epochs[i].number = i + 1;
		kr->epochs[i].created = 0;
	}
	for (j = 0; j < KIT_COUNT(counts); j++) {
		kr->epoch_count = counts[j];
		doc = kit_ring_text(kr, &len);
		assert_doc(doc, len, ROOST_OK);
		free(doc);
		kr->epochs[1].number = 3;
		doc = kit_ring_text(kr, &len);
		assert_doc(doc, len, ROOST_ERR_DOC_EPOCH);
		free(doc);
		kr->epochs[1].number = 2;
	}
	kr->epoch_count = ROOST_KEYRING_EPOCHS_MAX;
	doc = kit_new(ROOST_KEYRING_DOC_MAX);
	assert_gate(roost_keyring_write(kr, doc, &len), ROOST_ERR_LIMIT);
	assert_int_equal(len, 0);
	free(doc);
	free(many);
}

/* A thousand epochs stand in a document of the allowed size. */
static void
test_too_many_epochs_do_no_harm(void **state)
{
	struct lines lines = lines_get();
	char *doc = kit_new(ROOST_KEYRING_DOC_MAX);
	size_t len = lines.off[7];
	unsigned int number, line;

	(void)state;
	memcpy(doc, lines.doc, len);
	for (number = 1; len + 80 < ROOST_KEYRING_DOC_MAX; number++)
		len += (size_t)snprintf(doc + len, 80, "epoch %u x25519 "
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 0\n",
			number);
	assert_true(number > 1000);
	assert_gate(parse(doc, len, &line), ROOST_ERR_DOC_EPOCH);
	assert_int_equal(line, 7 + ROOST_KEYRING_EPOCHS_MAX);
	free(doc);
	free(lines.doc);
}

/* Each binary field is made too short, too long, padded, of another alphabet,
   and with unused bits. */
static void
test_binary_fields_are_strict(void **state)
{
	struct lines lines = lines_get();
	static const size_t binary[] = { 1, 2, 6, 7, 8, 9, 10, 11, 12, 13,
		14 };
	static const struct {
		const char *to;
		size_t cut;	/* how many characters it replaces */
	} changes[] = {
		{ "", 1 }, { "", 2 }, { "A", 0 }, { "AA", 0 }, { "=", 0 },
		{ "==", 0 }, { "=", 1 }, { "-", 1 }, { "_", 1 }, { ".", 1 },
		{ "B", 1 }, { "AAAA", 0 }, { "", 4 },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < KIT_COUNT(binary); i++) {
		size_t off = lines.off[binary[i]];
		size_t end = off + lines.size[binary[i]] - 1;
		const char *field = memrchr(lines.doc + off, ' ', end - off);

		if (binary[i] == 7) {
			/* The last field of an epoch is its time. */
			end = (size_t)(field - lines.doc);
			field = memrchr(lines.doc + off, ' ', end - off);
		}
		for (j = 0; j < KIT_COUNT(changes); j++) {
			size_t add = strlen(changes[j].to);
			size_t head = end - changes[j].cut;
			char *doc = kit_new(lines.len + add);
			size_t bits = (end - (size_t)(field + 1 - lines.doc)) *
				6 % 8;

			memcpy(doc, lines.doc, head);
			memcpy(doc + head, changes[j].to, add);
			memcpy(doc + head + add, lines.doc + end,
			       lines.len - end);
			/* Without unused bits B is as good as any other. */
			assert_doc(doc, lines.len - changes[j].cut + add,
				   bits == 0 && changes[j].to[0] == 'B' ?
				   ROOST_OK : ROOST_ERR_DOC_BASE64);
			free(doc);
		}
	}
	free(lines.doc);
}

static void
test_secrets_have_the_length_of_the_epochs(void **state)
{
	struct lines lines = lines_get();
	char epoch[100], *doc = kit_new(lines.len + 100);
	size_t at = lines.off[8], size = lines.size[7];

	(void)state;
	memcpy(epoch, lines.doc + lines.off[7], size);
	epoch[6] = '2';
	memcpy(doc, lines.doc, at);
	memcpy(doc + at, epoch, size);
	memcpy(doc + at + size, lines.doc + at, lines.len - at);
	assert_doc(doc, lines.len + size, ROOST_ERR_DOC_BASE64);
	free(doc);
	free(lines.doc);
}

static void
test_owners_have_one_text(void **state)
{
	static const struct {
		const char *owner;
		bool is_good;
	} owners[] = {
		{ "a", true }, { "A-Z._@+:09", true }, { "a%20b", true },
		{ "%C3%A4", true }, { "%FF", true }, { "%01", true },
		{ "%25", true }, { "%2F", true }, { "ns:Public%2F", true },
		{ "%00", false }, { "%41", false }, { "%2E", false },
		{ "%2f", false }, { "%c3", false }, { "%", false },
		{ "%2", false }, { "a%2", false }, { "%2G", false },
		{ "%G2", false }, { "%%", false }, { "a/b", false },
		{ "a~", false }, { "a\"", false }, { "a=", false },
		{ "a,b", false }, { "%:0", false }, { "%0:", false },
		{ "%2%20", false }, { "a/20b", false }, { "=25", false },
	};
	char from[] = "owner " KIT_OWNER, to[1200];
	size_t i, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(owners); i++) {
		(void)snprintf(to, sizeof(to), "owner %s", owners[i].owner);
		assert_gate(parse_replaced(from, to), owners[i].is_good ?
			    ROOST_OK : ROOST_ERR_DOC_OWNER);
	}
	for (len = 1022; len <= 1027; len++) {
		memcpy(to, "owner ", 6);
		memset(to + 6, 'a', len);
		to[6 + len] = '\0';
		assert_gate(parse_replaced(from, to), len <= 1024 ?
			    ROOST_OK : ROOST_ERR_DOC_OWNER);
		memcpy(to + 6 + len - 3, "%20", 3);
		assert_gate(parse_replaced(from, to), len <= 1024 ?
			    ROOST_OK : ROOST_ERR_DOC_OWNER);
	}
}

/* Each byte is written alone, escaped or not, and parsed back as the same
   owner. */
static void
test_names_are_escaped_as_the_format_says(void **state)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789._@+-:";
	char owner[ROOST_KEYRING_OWNER_MAX + 1], right[10], name[2] = "";
	char text[ROOST_KEYRING_OWNER_MAX + 10];
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		name[0] = (char)c;
		(void)snprintf(right, sizeof(right),
			       strchr(plain, c) != NULL ? "%c" : "%%%02X", c);
		assert_good(roost_keyring_escape(name, owner));
		assert_string_equal(owner, right);
		(void)snprintf(text, sizeof(text), "owner %s", owner);
		assert_good(parse_replaced("owner " KIT_OWNER, text));
	}
	assert_good(roost_keyring_escape("a b\n%", owner));
	assert_string_equal(owner, "a%20b%0A%25");
}

static void
test_names_that_do_not_fit_are_refused(void **state)
{
	char owner[ROOST_KEYRING_OWNER_MAX + 1], name[1100];

	(void)state;
	owner[0] = 'x';
	assert_gate(roost_keyring_escape("", owner), ROOST_ERR_LIMIT);
	assert_string_equal(owner, "");
	memset(name, 'a', sizeof(name));
	name[1024] = '\0';
	assert_good(roost_keyring_escape(name, owner));
	assert_int_equal(strlen(owner), 1024);
	name[1023] = '/';
	assert_gate(roost_keyring_escape(name, owner), ROOST_ERR_LIMIT);
	assert_string_equal(owner, "");
	name[1023] = name[1024] = 'a';
	name[1025] = '\0';
	assert_gate(roost_keyring_escape(name, owner), ROOST_ERR_LIMIT);
	assert_string_equal(owner, "");
	/* It is refused even when something shorter follows that would fit. */
	memset(name, '/', 342);
	memcpy(name + 342, "a", 2);
	assert_gate(roost_keyring_escape(name, owner), ROOST_ERR_LIMIT);
}

/* The line is told to an operator. */
static void
test_the_refused_line_is_told(void **state)
{
	struct lines lines = lines_get();
	unsigned int line, i;

	(void)state;
	for (i = 0; i < lines.count; i++) {
		char *name = lines.doc + lines.off[i];
		char old = *name;

		*name = 'x';
		assert_true(parse(lines.doc, lines.len, &line) != ROOST_OK);
		assert_int_equal(line, i + 1);
		*name = '\x01';
		assert_gate(parse(lines.doc, lines.len, &line),
			    ROOST_ERR_DOC_LINE);
		assert_int_equal(line, i + 1);
		*name = old;
	}
	free(lines.doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_escrow_slot_names_its_kind_of_key),
		cmocka_unit_test(test_parsing_and_writing_give_the_same_bytes),
		cmocka_unit_test(test_a_parsed_keyring_has_what_was_written),
		cmocka_unit_test(test_the_text_is_that_of_the_format),
		cmocka_unit_test(test_an_empty_or_huge_document_is_refused),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_bytes_that_are_no_text_are_refused),
		cmocka_unit_test(test_blank_space_has_one_form),
		cmocka_unit_test(test_nothing_follows_the_last_line),
		cmocka_unit_test(test_another_version_is_refused_as_such),
		cmocka_unit_test(test_a_missing_record_is_refused),
		cmocka_unit_test(test_a_document_without_slots_is_refused),
		cmocka_unit_test(test_a_repeated_record_is_refused),
		cmocka_unit_test(test_records_have_one_order),
		cmocka_unit_test(test_every_record_has_its_number_of_fields),
		cmocka_unit_test(test_many_fields_are_too_many),
		cmocka_unit_test(test_words_are_exact),
		cmocka_unit_test(test_numbers_have_one_form_and_a_range),
		cmocka_unit_test(test_slots_ascend_and_may_leave_gaps),
		cmocka_unit_test(test_a_third_password_is_refused),
		cmocka_unit_test(test_there_are_1_to_64_slots),
		cmocka_unit_test(test_epochs_count_from_one),
		cmocka_unit_test(test_too_many_epochs_do_no_harm),
		cmocka_unit_test(test_binary_fields_are_strict),
		cmocka_unit_test(test_secrets_have_the_length_of_the_epochs),
		cmocka_unit_test(test_owners_have_one_text),
		cmocka_unit_test(test_names_are_escaped_as_the_format_says),
		cmocka_unit_test(test_names_that_do_not_fit_are_refused),
		cmocka_unit_test(test_the_refused_line_is_told),
	};

	return cmocka_run_group_tests_name("keyring-text", tests, group_setup,
					   group_teardown);
}

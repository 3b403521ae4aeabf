/* SPDX-License-Identifier: MIT */
/*
 * keyring-text: parsing and writing the text of a keyring (FORMAT.md 7).
 *
 * Promises: what is accepted is written back byte for byte.  It knows nothing
 * of keys.  The checks stand in the order of the format.
 */
#include "core/keyring-private.h"

#include "roost/bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIELDS_MAX 9
#define NUMBER_MAX UINT64_C(0x7fffffff)
#define TIME_MAX ((UINT64_C(1) << 53) - 1)
#define FIRST_LINE "roost-keyring 1"

/* How many fields a slot's line has: "slot", number, type and creation time,
   then what its type needs, then the wrap or what is sealed. */
static const unsigned int slot_fields[ROOST_SLOT_TYPES] = {
	[ROOST_SLOT_PROVIDER] = 5,
	[ROOST_SLOT_PASSWORD] = 9,
	[ROOST_SLOT_APP] = 6,
	[ROOST_SLOT_RECOVERY] = 6,
	[ROOST_SLOT_ESCROW] = 7,
};

/* A second password stands while it takes the place of the first. */
#define PASSWORDS_MAX 2

unsigned int
roost_keyring_count_slots(const struct roost_keyring *kr,
			  enum roost_slot_type type)
{
	unsigned int i, count = 0;

	for (i = 0; i < kr->slot_count; i++) {
		if (kr->slots[i].type == type)
			count++;
	}
	return count;
}

bool
roost_keyring_has_slot(const struct roost_keyring *kr,
		       enum roost_slot_type type)
{
	return roost_keyring_count_slots(kr, type) > 0;
}

const struct roost_slot *
roost_keyring_find_slot(const struct roost_keyring *kr, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (kr->slots[i].number == number)
			return &kr->slots[i];
	}
	return NULL;
}

struct roost_argon2_cost
roost_keyring_slot_cost(const struct roost_slot *slot)
{
	return (struct roost_argon2_cost) {
		.t = slot->t, .m_kib = slot->m_kib
	};
}

bool
roost_keyring_slot_fits(const struct roost_keyring *kr,
			enum roost_slot_type type)
{
	return kr->slot_count < ROOST_KEYRING_SLOTS_MAX &&
		(type != ROOST_SLOT_PASSWORD ||
		 roost_keyring_count_slots(kr, type) < PASSWORDS_MAX);
}

/* -- writing -- */

static void __attribute__((format(printf, 2, 3)))
text_add(struct roost_text *text, const char *format, ...)
{
	size_t left = text->size - text->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->bytes + text->len, left, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= left)
		text->is_full = true;
	else
		text->len += (size_t)len;
}

static void
text_add_base64(struct roost_text *text, const uint8_t *bytes, size_t len)
{
	if (text->size - text->len <= ROOST_BASE64_LEN(len)) {
		text->is_full = true;
		return;
	}
	roost_prim_base64(bytes, len, text->bytes + text->len);
	text->len += ROOST_BASE64_LEN(len);
}

static void
text_add_record(struct roost_text *text, const char *name,
		const uint8_t *bytes, size_t len)
{
	text_add(text, "%s ", name);
	text_add_base64(text, bytes, len);
	text_add(text, "\n");
}

static void
text_add_id(struct roost_text *text, const struct roost_keyring *kr)
{
	text_add_record(text, "id", kr->id, sizeof(kr->id));
}

static void
text_add_owner(struct roost_text *text, const struct roost_keyring *kr)
{
	text_add(text, "owner %s\n", kr->owner);
}

static void
text_add_host(struct roost_text *text, const struct roost_keyring *kr)
{
	text_add(text, "host ");
	text_add_base64(text, kr->provider_id, sizeof(kr->provider_id));
}

void
roost_keyring_text_host_ad(struct roost_text *text,
			   const struct roost_keyring *kr)
{
	text_add_id(text, kr);
	text_add_owner(text, kr);
	text_add_host(text, kr);
}

void
roost_keyring_text_slot(struct roost_text *text, const struct roost_slot *slot)
{
	text_add(text, "slot %"PRIu32" %s %"PRIu64, slot->number,
		 roost_slot_type_name(slot->type), slot->created);
	if (slot->type == ROOST_SLOT_PASSWORD)
		text_add(text, " argon2id %"PRIu32" %"PRIu32,
			 slot->t, slot->m_kib);
	if (slot->type == ROOST_SLOT_ESCROW) {
		text_add(text, " x25519 ");
		text_add_base64(text, slot->public_key, ROOST_KEY_SIZE);
	} else if (slot->type != ROOST_SLOT_PROVIDER) {
		text_add(text, " ");
		text_add_base64(text, slot->salt, sizeof(slot->salt));
	}
}

static void
text_add_slot(struct roost_text *text, const struct roost_slot *slot)
{
	roost_keyring_text_slot(text, slot);
	text_add(text, " ");
	if (slot->type == ROOST_SLOT_ESCROW)
		text_add_base64(text, slot->sealed, sizeof(slot->sealed));
	else
		text_add_base64(text, slot->wrap, sizeof(slot->wrap));
	text_add(text, "\n");
}

static void
text_add_keys(struct roost_text *text, const struct roost_keyring *kr)
{
	unsigned int i;

	for (i = 0; i < kr->epoch_count; i++) {
		text_add(text, "epoch %"PRIu32" x25519 ",
			 kr->epochs[i].number);
		text_add_base64(text, kr->epochs[i].public_key,
				ROOST_KEY_SIZE);
		text_add(text, " %"PRIu64"\n", kr->epochs[i].created);
	}
	for (i = 0; i < kr->slot_count; i++)
		text_add_slot(text, &kr->slots[i]);
	text_add_record(text, "secrets", kr->secrets,
			ROOST_SECRETS_SIZE(kr->epoch_count));
}

void
roost_keyring_text_lines(struct roost_text *text,
			 const struct roost_keyring *kr,
			 enum roost_keyring_lines which)
{
	text_add(text, FIRST_LINE"\n");
	text_add_id(text, kr);
	text_add_record(text, "identity ed25519", kr->identity,
			sizeof(kr->identity));
	text_add_owner(text, kr);
	if (which != ROOST_LINES_OWNER_SIG) {
		text_add(text, "generation %"PRIu64"\npolicy %s\n",
			 kr->generation, kr->policy == ROOST_POLICY_SEALED ?
			 "sealed" : "open");
		text_add_host(text, kr);
		text_add(text, " ");
		text_add_base64(text, kr->host_wrap, ROOST_WRAP_SIZE);
		text_add(text, "\n");
	}
	text_add_keys(text, kr);
	if (which != ROOST_LINES_OWNER_SIG)
		text_add_record(text, "owner-sig", kr->owner_sig,
				sizeof(kr->owner_sig));
	if (which == ROOST_LINES_ALL)
		text_add_record(text, "provider-mac", kr->provider_mac,
				sizeof(kr->provider_mac));
}

enum roost_err
roost_keyring_write(const struct roost_keyring *kr, char *doc_r, size_t *len_r)
{
	char doc[ROOST_KEYRING_DOC_MAX + 1];	/* public; with a NUL */
	struct roost_text text = { .bytes = doc, .size = sizeof(doc) };

	roost_keyring_text_lines(&text, kr, ROOST_LINES_ALL);
	*len_r = text.is_full ? 0 : text.len;
	memcpy(doc_r, doc, *len_r);
	return text.is_full ? ROOST_ERR_LIMIT : ROOST_OK;
}

static bool
owner_is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') ||
		(c != '\0' && strchr("._@+-:", c) != NULL);
}

enum roost_err
roost_keyring_escape(const char *name,
		     char owner_r[ROOST_KEYRING_OWNER_MAX + 1])
{
	struct roost_text text = {
		.bytes = owner_r, .size = ROOST_KEYRING_OWNER_MAX + 1
	};

	for (; *name != '\0'; name++) {
		if (owner_is_plain((unsigned char)*name))
			text_add(&text, "%c", *name);
		else
			text_add(&text, "%%%02X", (unsigned char)*name);
	}
	if (text.len > 0 && !text.is_full)
		return ROOST_OK;
	owner_r[0] = '\0';
	return ROOST_ERR_LIMIT;
}

/* -- parsing -- */

struct field {
	const char *text;
	size_t len;
};

struct parser {
	const char *next, *end;
	unsigned int line;
	unsigned int field_count;
	struct field fields[FIELDS_MAX + 1];	/* more than any record */
};

/* Check every byte of the text before any line is understood. */
static enum roost_err
parse_check_text(const char *doc, size_t len, unsigned int *line_r)
{
	char last = '\n';
	size_t i;

	*line_r = 1;
	for (i = 0; i < len; last = doc[i], i++) {
		bool is_gap = doc[i] == '\n' || doc[i] == ' ';

		if ((doc[i] < 0x20 || doc[i] > 0x7e) && doc[i] != '\n')
			return ROOST_ERR_DOC_LINE;
		if (is_gap && (last == '\n' || last == ' '))
			return ROOST_ERR_DOC_LINE;
		if (doc[i] == '\n' && i + 1 < len)
			(*line_r)++;
	}
	return last == '\n' ? ROOST_OK : ROOST_ERR_DOC_LINE;
}

static bool
field_is(const struct field *field, const char *word)
{
	return field->len == strlen(word) &&
		memcmp(field->text, word, field->len) == 0;	/* public */
}

/* Split the next line into fields.  False at the end of the document. */
static bool
parse_line(struct parser *p)
{
	const char *eol;

	if (p->next == p->end)
		return false;
	eol = memchr(p->next, '\n', (size_t)(p->end - p->next));
	assert(eol != NULL);	/* parse_check_text() saw the last LF */
	p->field_count = 0;
	while (p->next < eol) {
		const char *gap = memchr(p->next, ' ', (size_t)(eol - p->next));
		struct field field = { .text = p->next };

		if (gap == NULL)
			gap = eol;
		field.len = (size_t)(gap - p->next);
		if (p->field_count < FIELDS_MAX + 1)
			p->fields[p->field_count++] = field;
		p->next = gap < eol ? gap + 1 : eol;
	}
	p->next = eol + 1;
	p->line++;
	return true;
}

/* Read the next line, which must be this record with as many fields. */
static enum roost_err
parse_record(struct parser *p, const char *name, unsigned int field_count)
{
	if (!parse_line(p) || !field_is(&p->fields[0], name))
		return ROOST_ERR_DOC_RECORD;
	return p->field_count == field_count ? ROOST_OK : ROOST_ERR_DOC_FIELD;
}

/* True if the next line is such a record; nothing is read. */
static bool
parse_is_next(const struct parser *p, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(p->end - p->next) > len &&
		memcmp(p->next, name, len) == 0 &&	/* public */
		(p->next[len] == ' ' || p->next[len] == '\n');
}

static enum roost_err
parse_number(const struct field *field, uint64_t min, uint64_t max,
	     uint64_t *number_r)
{
	uint64_t number = 0;
	size_t i;

	*number_r = 0;
	if (field->len > 1 && field->text[0] == '0')
		return ROOST_ERR_DOC_NUMBER;
	for (i = 0; i < field->len; i++) {
		if (field->text[i] < '0' || field->text[i] > '9')
			return ROOST_ERR_DOC_NUMBER;
		number = number * 10 + (uint64_t)(field->text[i] - '0');
		if (number > max)
			return ROOST_ERR_DOC_NUMBER;
	}
	if (number < min)
		return ROOST_ERR_DOC_NUMBER;
	*number_r = number;
	return ROOST_OK;
}

static enum roost_err
parse_u32(const struct field *field, uint64_t min, uint32_t *number_r)
{
	uint64_t number;
	enum roost_err err = parse_number(field, min, NUMBER_MAX, &number);

	*number_r = (uint32_t)number;
	return err;
}

static enum roost_err
parse_base64(const struct field *field, uint8_t *bytes_r, size_t len)
{
	return roost_prim_unbase64(field->text, field->len, bytes_r, len) ?
		ROOST_OK : ROOST_ERR_DOC_BASE64;
}

static enum roost_err
parse_binary(struct parser *p, const char *name, uint8_t *bytes_r, size_t len)
{
	enum roost_err err = parse_record(p, name, 2);

	return err == ROOST_OK ? parse_base64(&p->fields[1], bytes_r, len) :
		err;
}

/* Returns the byte that %XX stands for, or -1 if the escape is not canonical or
   not needed. */
static int
owner_unescape(const char *text, size_t left)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;
	int c;

	if (left < 3 || (high = strchr(digits, text[1])) == NULL ||
	    (low = strchr(digits, text[2])) == NULL)
		return -1;
	c = (int)(high - digits) * 16 + (int)(low - digits);
	return c == 0 || owner_is_plain((unsigned char)c) ? -1 : c;
}

static enum roost_err
parse_owner(struct parser *p, char *owner_r)
{
	enum roost_err err = parse_record(p, "owner", 2);
	const struct field *field = &p->fields[1];
	size_t i;

	if (err != ROOST_OK)
		return err;
	if (field->len > ROOST_KEYRING_OWNER_MAX)
		return ROOST_ERR_DOC_OWNER;
	for (i = 0; i < field->len; i++) {
		if (owner_is_plain((unsigned char)field->text[i]))
			continue;
		if (field->text[i] != '%' ||
		    owner_unescape(field->text + i, field->len - i) < 0)
			return ROOST_ERR_DOC_OWNER;
		i += 2;
	}
	memcpy(owner_r, field->text, field->len);
	owner_r[field->len] = '\0';
	return ROOST_OK;
}

static enum roost_err
parse_policy(struct parser *p, enum roost_policy *policy_r)
{
	enum roost_err err = parse_record(p, "policy", 2);

	if (err != ROOST_OK)
		return err;
	*policy_r = field_is(&p->fields[1], "sealed") ? ROOST_POLICY_SEALED :
		ROOST_POLICY_OPEN;
	return *policy_r == ROOST_POLICY_SEALED ||
		field_is(&p->fields[1], "open") ? ROOST_OK :
		ROOST_ERR_DOC_FIELD;
}

static enum roost_err
parse_identity(struct parser *p, uint8_t *identity_r)
{
	enum roost_err err = parse_record(p, "identity", 3);

	if (err == ROOST_OK && !field_is(&p->fields[1], "ed25519"))
		err = ROOST_ERR_DOC_FIELD;
	return err == ROOST_OK ?
		parse_base64(&p->fields[2], identity_r, ROOST_KEY_SIZE) : err;
}

static enum roost_err
parse_head(struct parser *p, struct roost_keyring *kr)
{
	enum roost_err err;

	if (!parse_line(p) || p->field_count != 2 ||
	    !field_is(&p->fields[0], "roost-keyring") ||
	    !field_is(&p->fields[1], "1"))
		return ROOST_ERR_DOC_VERSION;
	err = parse_binary(p, "id", kr->id, sizeof(kr->id));
	if (err == ROOST_OK)
		err = parse_identity(p, kr->identity);
	if (err == ROOST_OK)
		err = parse_owner(p, kr->owner);
	if (err == ROOST_OK)
		err = parse_record(p, "generation", 2);
	if (err == ROOST_OK)
		err = parse_number(&p->fields[1], 1, TIME_MAX,
				   &kr->generation);
	if (err == ROOST_OK)
		err = parse_policy(p, &kr->policy);
	if (err == ROOST_OK)
		err = parse_record(p, "host", 3);
	if (err == ROOST_OK)
		err = parse_base64(&p->fields[1], kr->provider_id,
				   sizeof(kr->provider_id));
	if (err == ROOST_OK)
		err = parse_base64(&p->fields[2], kr->host_wrap,
				   sizeof(kr->host_wrap));
	return err;
}

static enum roost_err
parse_epoch(struct parser *p, struct roost_keyring *kr)
{
	struct roost_epoch *epoch = &kr->epochs[kr->epoch_count];
	enum roost_err err = parse_record(p, "epoch", 5);

	if (err == ROOST_OK && !field_is(&p->fields[2], "x25519"))
		err = ROOST_ERR_DOC_FIELD;
	if (err == ROOST_OK)
		err = parse_u32(&p->fields[1], 1, &epoch->number);
	if (err == ROOST_OK)
		err = parse_number(&p->fields[4], 0, TIME_MAX,
				   &epoch->created);
	if (err == ROOST_OK)
		err = parse_base64(&p->fields[3], epoch->public_key,
				   ROOST_KEY_SIZE);
	if (err == ROOST_OK && epoch->number != kr->epoch_count + 1)
		err = ROOST_ERR_DOC_EPOCH;
	return err;
}

static enum roost_err
parse_epochs(struct parser *p, struct roost_keyring *kr)
{
	enum roost_err err = ROOST_OK;

	if (!parse_is_next(p, "epoch")) {
		p->line++;
		return ROOST_ERR_DOC_EPOCH;
	}
	do {
		if (kr->epoch_count == ROOST_KEYRING_EPOCHS_MAX)
			return ROOST_ERR_DOC_EPOCH;
		err = parse_epoch(p, kr);
		if (err == ROOST_OK)
			kr->epoch_count++;
	} while (err == ROOST_OK && parse_is_next(p, "epoch"));
	return err;
}

/* Find the type of a slot's line: first by its word, then by the number of
   fields. */
static enum roost_err
parse_slot_type(const struct parser *p, enum roost_slot_type *type_r)
{
	unsigned int type;

	*type_r = ROOST_SLOT_PROVIDER;
	for (type = 0; p->field_count > 2 && type < ROOST_SLOT_TYPES; type++) {
		*type_r = (enum roost_slot_type)type;
		if (field_is(&p->fields[2], roost_slot_type_name(*type_r)))
			break;
	}
	if (p->field_count <= 2 || type == ROOST_SLOT_TYPES ||
	    p->field_count != slot_fields[type])
		return ROOST_ERR_DOC_FIELD;
	if ((type == ROOST_SLOT_PASSWORD &&
	     !field_is(&p->fields[4], "argon2id")) ||
	    (type == ROOST_SLOT_ESCROW && !field_is(&p->fields[4], "x25519")))
		return ROOST_ERR_DOC_FIELD;
	return ROOST_OK;
}

/* The last two fields of a slot's line, which are binary. */
static enum roost_err
parse_slot_binary(const struct field *last, struct roost_slot *slot)
{
	enum roost_err err = ROOST_OK;

	if (slot->type == ROOST_SLOT_ESCROW)
		err = parse_base64(last - 1, slot->public_key, ROOST_KEY_SIZE);
	else if (slot->type != ROOST_SLOT_PROVIDER)
		err = parse_base64(last - 1, slot->salt, sizeof(slot->salt));
	if (err != ROOST_OK)
		return err;
	return slot->type == ROOST_SLOT_ESCROW ?
		parse_base64(last, slot->sealed, sizeof(slot->sealed)) :
		parse_base64(last, slot->wrap, sizeof(slot->wrap));
}

static enum roost_err
parse_slot_fields(const struct parser *p, struct roost_slot *slot)
{
	const struct field *fields = p->fields;
	enum roost_err err;

	err = parse_u32(&fields[1], 1, &slot->number);
	if (err == ROOST_OK)
		err = parse_number(&fields[3], 0, TIME_MAX, &slot->created);
	if (err == ROOST_OK && slot->type == ROOST_SLOT_PASSWORD)
		err = parse_u32(&fields[5], 0, &slot->t);
	if (err == ROOST_OK && slot->type == ROOST_SLOT_PASSWORD)
		err = parse_u32(&fields[6], 0, &slot->m_kib);
	return err == ROOST_OK ?
		parse_slot_binary(&fields[p->field_count - 1], slot) : err;
}

static enum roost_err
parse_slot(struct parser *p, struct roost_keyring *kr)
{
	struct roost_slot slot = { .number = 0 };
	unsigned int count = kr->slot_count;
	enum roost_err err;

	(void)parse_line(p);	/* parse_slots() made sure that it is a slot */
	err = parse_slot_type(p, &slot.type);
	if (err == ROOST_OK)
		err = parse_slot_fields(p, &slot);
	if (err != ROOST_OK)
		return err;
	if ((count > 0 && slot.number <= kr->slots[count - 1].number) ||
	    !roost_keyring_slot_fits(kr, slot.type))
		return ROOST_ERR_DOC_SLOT;
	kr->slots[kr->slot_count++] = slot;
	return ROOST_OK;
}

static enum roost_err
parse_slots(struct parser *p, struct roost_keyring *kr)
{
	enum roost_err err = ROOST_OK;

	if (!parse_is_next(p, "slot")) {
		p->line++;
		return ROOST_ERR_DOC_SLOT;
	}
	do {
		err = parse_slot(p, kr);
	} while (err == ROOST_OK && parse_is_next(p, "slot"));
	return err;
}

enum roost_err
roost_keyring_parse(const char *doc, size_t len, struct roost_keyring *kr_r,
		    unsigned int *line_r)
{
	struct parser p = { .next = doc, .end = doc + len };
	enum roost_err err;

	memset(kr_r, 0, sizeof(*kr_r));
	*line_r = 0;
	if (len == 0 || len > ROOST_KEYRING_DOC_MAX)
		return ROOST_ERR_DOC_SIZE;
	err = parse_check_text(doc, len, line_r);
	if (err != ROOST_OK)
		return err;
	err = parse_head(&p, kr_r);
	if (err == ROOST_OK)
		err = parse_epochs(&p, kr_r);
	if (err == ROOST_OK)
		err = parse_slots(&p, kr_r);
	if (err == ROOST_OK)
		err = parse_binary(&p, "secrets", kr_r->secrets,
				   ROOST_SECRETS_SIZE(kr_r->epoch_count));
	if (err == ROOST_OK)
		err = parse_binary(&p, "owner-sig", kr_r->owner_sig,
				   sizeof(kr_r->owner_sig));
	if (err == ROOST_OK)
		err = parse_binary(&p, "provider-mac", kr_r->provider_mac,
				   sizeof(kr_r->provider_mac));
	*line_r = p.line;
	if (err == ROOST_OK && p.next != p.end)
		err = ROOST_ERR_DOC_RECORD;
	return err;
}

/* SPDX-License-Identifier: MIT */
/*
 * contents: the keywords that follow from what is in a message.  See
 * contents.h.
 */
#include "flags/contents.h"

#include "message-header-decode.h"
#include "message-parser.h"
#include "message-part-data.h"

#include "flags/unsubscribe.h"

/* A header field that is longer is passed over. */
#define VALUE_SIZE_MAX (64 * 1024)

#define PARSER_FLAGS (MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP | \
	MESSAGE_HEADER_PARSER_FLAG_DROP_CR)

struct roost_flags_contents {
	struct roost_flags_box *fbox;
	pool_t pool, part_pool;		/* part_pool: of one part at a time */
	unsigned int wanted;		/* enum roost_flagrule_delivery */
	struct istream *input;
	struct message_parser_ctx *parser;
	struct message_part *root, *open;	/* whose header is read */
	struct roost_part_limits limits;
	struct roost_unsubscribe unsubscribe;
	ARRAY(bool) matched;		/* by header rule */
	bool has_attachment;
	bool is_long;			/* the header that is being read */
};

static unsigned int
rule_count(const struct roost_flagrules *rules)
{
	const char *field, *name;
	unsigned int count = 0;

	while (roost_flagrule_header(rules, count, &field, &name))
		count++;
	return count;
}

struct roost_flags_contents *
roost_flags_contents_begin(struct roost_flags_box *fbox)
{
	const struct roost_flagrules *rules = fbox->fuser->rules;
	const struct roost_part_limits limits = ROOST_PART_LIMITS_INIT;
	unsigned int count = rule_count(rules);
	unsigned int wanted = roost_flagrule_at_delivery(rules) &
		~(unsigned int)ROOST_FLAGRULE_SEALED;
	struct roost_flags_contents *contents;
	pool_t pool;

	if (wanted == 0 && count == 0)
		return NULL;
	pool = pool_alloconly_create("roost flags contents", 2048);
	contents = p_new(pool, struct roost_flags_contents, 1);
	contents->fbox = fbox;
	contents->pool = pool;
	contents->part_pool = pool_alloconly_create("roost flags part", 1024);
	contents->wanted = wanted;
	contents->limits = limits;
	p_array_init(&contents->matched, pool, count + 1);
	if (count > 0)
		(void)array_idx_get_space(&contents->matched, count - 1);
	return contents;
}

/* Undo folding (RFC 5322 2.2.3).  Each fold becomes one space, whatever blanks
   it was made with. */
static string_t *
value_unfold(const struct message_header_line *hdr)
{
	string_t *value = t_str_new(256);
	const unsigned char *p = hdr->full_value;
	const unsigned char *end = p + hdr->full_value_len;

	for (; p < end; p++) {
		if (*p != '\n') {
			str_append_c(value, *p);
			continue;
		}
		str_append_c(value, ' ');
		if (p + 1 < end && (p[1] == ' ' || p[1] == '\t'))
			p++;
	}
	return value;
}

static string_t *
value_decode(const string_t *unfolded)
{
	string_t *value = t_str_new(256);

	message_header_decode_utf8(str_data(unfolded), str_len(unfolded),
				   value, NULL);
	return value;
}

static void
contents_match_rules(struct roost_flags_contents *contents, const char *header,
		     const string_t *unfolded)
{
	const struct roost_flagrules *rules = contents->fbox->fuser->rules;
	const char *field, *name;
	string_t *value = NULL;
	unsigned int i;

	for (i = 0; roost_flagrule_header(rules, i, &field, &name); i++) {
		bool *matched = array_idx_modifiable(&contents->matched, i);

		if (*matched || strcasecmp(field, header) != 0)
			continue;
		if (value == NULL)
			value = value_decode(unfolded);
		*matched = roost_flagrule_header_match(rules, i, str_c(value),
						       str_len(value));
	}
}

/* Does a rule ask for the header field of this name? */
static bool
contents_wants_header(const struct roost_flags_contents *contents,
		      const char *name)
{
	const char *field, *keyword;
	unsigned int i;

	if ((contents->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0 &&
	    roost_unsubscribe_wants_header(name))
		return TRUE;
	for (i = 0; roost_flagrule_header(contents->fbox->fuser->rules, i,
					  &field,
					  &keyword); i++) {
		if (strcasecmp(field, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
contents_add_header(struct roost_flags_contents *contents,
		    struct message_header_line *hdr)
{
	bool is_wanted = contents_wants_header(contents, hdr->name);
	string_t *value;

	if (hdr->continues && is_wanted && !contents->is_long)
		hdr->use_full_value = TRUE;
	/* The value is looked at once all of it is there. */
	if (hdr->continues || contents->is_long || !is_wanted)
		return;
	T_BEGIN {
		value = value_unfold(hdr);
		contents_match_rules(contents, hdr->name, value);
		if ((contents->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0)
			roost_unsubscribe_add_header(
				&contents->unsubscribe, hdr->name,
				str_c(value), contents->fbox->fuser->authserv);
	} T_END;
}

/* The header of the part was read to its end: is it an attachment? */
static void
contents_close_part(struct roost_flags_contents *contents)
{
	const struct mail_storage_settings *set =
		contents->fbox->box->storage->set;
	const struct message_part_attachment_settings attachment = {
		.content_type_filter =
			set->parsed_mail_attachment_content_type_filter,
		.exclude_inlined =
			set->parsed_mail_attachment_exclude_inlined,
	};

	if (contents->open != NULL && contents->open->data != NULL &&
	    message_part_is_attachment(contents->open, &attachment))
		contents->has_attachment = TRUE;
	/* A message may have many parts, so what is known of one is freed. */
	if (contents->open != NULL)
		contents->open->data = NULL;
	contents->open = NULL;
	p_clear(contents->part_pool);
}

/* Take in what a header field says of its part, unless it is too long. */
static void
contents_add_part(struct roost_flags_contents *contents,
		  struct message_part *part,
		  struct message_header_line *hdr)
{
	contents->is_long = (hdr->continued && contents->is_long) ||
		hdr->full_value_len > VALUE_SIZE_MAX;
	if (!contents->is_long)
		roost_part_data_parse(contents->part_pool, part,
				      &contents->limits,
				      hdr);
}

static void
contents_add_block(struct roost_flags_contents *contents,
		   struct message_block *block)
{
	struct message_header_line *hdr = block->hdr;

	if (hdr == NULL) {
		if (block->size == 0)
			contents_close_part(contents);
		return;
	}
	if (contents->root == NULL)
		contents->root = block->part;
	contents->open = block->part;
	if (hdr->eoh)
		return;
	contents_add_part(contents, block->part, hdr);
	if (block->part == contents->root)
		contents_add_header(contents, hdr);
}

void
roost_flags_contents_parse(struct roost_flags_contents *contents,
			   struct istream *input)
{
	static const struct message_parser_settings set = {
		.hdr_flags = PARSER_FLAGS,
		.flags = MESSAGE_PARSER_FLAG_SKIP_BODY_BLOCK,
	};
	struct message_block block;

	if (contents->parser == NULL) {
		contents->input = input;
		i_stream_ref(input);
		contents->parser = message_parser_init(contents->pool, input,
						       &set);
	}
	while (message_parser_parse_next_block(contents->parser, &block) > 0)
		contents_add_block(contents, &block);
}

static void
contents_add_attachment(const struct roost_flags_contents *contents,
			ARRAY_TYPE(const_string) *names)
{
	unsigned int bit = contents->has_attachment ?
		ROOST_FLAGRULE_HAS_ATTACHMENT :
		ROOST_FLAGRULE_HAS_NO_ATTACHMENT;
	const char *name = contents->has_attachment ?
		MAIL_KEYWORD_HAS_ATTACHMENT : MAIL_KEYWORD_HAS_NO_ATTACHMENT;

	if ((contents->wanted & bit) != 0)
		array_push_back(names, &name);
}

const char *const *
roost_flags_contents_names(struct roost_flags_contents *contents)
{
	static const char *const unsubscribe = "$canunsubscribe";
	ARRAY_TYPE(const_string) names;
	const char *field, *name;
	const bool *matched;

	t_array_init(&names, 8);
	contents_close_part(contents);
	contents_add_attachment(contents, &names);
	if ((contents->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0 &&
	    roost_unsubscribe_is_offered(&contents->unsubscribe,
					 contents->fbox->fuser->authserv))
		array_push_back(&names, &unsubscribe);
	array_foreach(&contents->matched, matched) {
		if (*matched &&
		    roost_flagrule_header(contents->fbox->fuser->rules,
				array_foreach_idx(&contents->matched, matched),
				&field, &name))
			array_push_back(&names, &name);
	}
	array_append_zero(&names);
	return array_front(&names);
}

void
roost_flags_contents_free(struct roost_flags_contents **_contents)
{
	struct roost_flags_contents *contents = *_contents;
	struct message_part *parts;

	*_contents = NULL;
	if (contents == NULL)
		return;
	if (contents->parser != NULL)
		message_parser_deinit(&contents->parser, &parts);
	i_stream_unref(&contents->input);
	pool_unref(&contents->part_pool);
	pool_unref(&contents->pool);
}

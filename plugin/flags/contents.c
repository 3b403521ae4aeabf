/* SPDX-License-Identifier: MIT */
/*
 * message-look: see message-look.h.
 */
#include "flags/message-look.h"

#include "message-header-decode.h"
#include "message-parser.h"
#include "message-part-data.h"

#include "flags/sender-says.h"

/* A header that is longer is not looked at. */
#define VALUE_SIZE_MAX (64 * 1024)

#define PARSER_FLAGS (MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP | \
	MESSAGE_HEADER_PARSER_FLAG_DROP_CR)

struct roost_flags_look {
	struct roost_flags_box *fbox;
	pool_t pool, part_pool;		/* that of one part at a time */
	unsigned int wanted;		/* enum roost_flagrule_delivery */
	struct istream *input;
	struct message_parser_ctx *parser;
	struct message_part *root, *open;	/* whose header is read */
	struct roost_part_limits limits;
	struct roost_sender_says says;
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

struct roost_flags_look *
roost_flags_look_begin(struct roost_flags_box *fbox)
{
	const struct roost_flagrules *rules = fbox->fuser->rules;
	const struct roost_part_limits limits = ROOST_PART_LIMITS_INIT;
	unsigned int count = rule_count(rules);
	unsigned int wanted = roost_flagrule_at_delivery(rules) &
		~(unsigned int)ROOST_FLAGRULE_SEALED;
	struct roost_flags_look *look;
	pool_t pool;

	if (wanted == 0 && count == 0)
		return NULL;
	pool = pool_alloconly_create("roost flags look", 2048);
	look = p_new(pool, struct roost_flags_look, 1);
	look->fbox = fbox;
	look->pool = pool;
	look->part_pool = pool_alloconly_create("roost flags part", 1024);
	look->wanted = wanted;
	look->limits = limits;
	p_array_init(&look->matched, pool, count + 1);
	if (count > 0)
		(void)array_idx_get_space(&look->matched, count - 1);
	return look;
}

/* RFC 5322 2.2.3; a fold is one space, whatever it was made with. */
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
look_at_rules(struct roost_flags_look *look, const char *header,
	      const string_t *unfolded)
{
	const struct roost_flagrules *rules = look->fbox->fuser->rules;
	const char *field, *name;
	string_t *value = NULL;
	unsigned int i;

	for (i = 0; roost_flagrule_header(rules, i, &field, &name); i++) {
		bool *matched = array_idx_modifiable(&look->matched, i);

		if (*matched || strcasecmp(field, header) != 0)
			continue;
		if (value == NULL)
			value = value_decode(unfolded);
		*matched = roost_flagrule_header_match(rules, i, str_c(value),
						       str_len(value));
	}
}

/* TRUE if its value was or will be looked at whole. */
static bool
look_wants(const struct roost_flags_look *look, const char *name)
{
	const char *field, *keyword;
	unsigned int i;

	if ((look->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0 &&
	    roost_sender_is_asked(name))
		return TRUE;
	for (i = 0; roost_flagrule_header(look->fbox->fuser->rules, i, &field,
					  &keyword); i++) {
		if (strcasecmp(field, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
look_at_header(struct roost_flags_look *look, struct message_header_line *hdr)
{
	bool is_wanted = look_wants(look, hdr->name);
	string_t *value;

	if (hdr->continues && is_wanted && !look->is_long)
		hdr->use_full_value = TRUE;
	/* Never a part of one for the whole. */
	if (hdr->continues || look->is_long || !is_wanted)
		return;
	T_BEGIN {
		value = value_unfold(hdr);
		look_at_rules(look, hdr->name, value);
		if ((look->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0)
			roost_sender_hear(&look->says, hdr->name, str_c(value),
					  look->fbox->fuser->authserv);
	} T_END;
}

/* Its header was read whole. */
static void
look_close_part(struct roost_flags_look *look)
{
	const struct mail_storage_settings *set = look->fbox->box->storage->set;
	const struct message_part_attachment_settings attachment = {
		.content_type_filter =
			set->parsed_mail_attachment_content_type_filter,
		.exclude_inlined =
			set->parsed_mail_attachment_exclude_inlined,
	};

	if (look->open != NULL && look->open->data != NULL &&
	    message_part_is_attachment(look->open, &attachment))
		look->has_attachment = TRUE;
	/* Nobody asks for it any more, and a message may have many. */
	if (look->open != NULL)
		look->open->data = NULL;
	look->open = NULL;
	p_clear(look->part_pool);
}

/* What the header says of its part; one that is too long says nothing. */
static void
look_at_part(struct roost_flags_look *look, struct message_part *part,
	     struct message_header_line *hdr)
{
	look->is_long = (hdr->continued && look->is_long) ||
		hdr->full_value_len > VALUE_SIZE_MAX;
	if (!look->is_long)
		roost_part_data_parse(look->part_pool, part, &look->limits,
				      hdr);
}

static void
look_at_block(struct roost_flags_look *look, struct message_block *block)
{
	struct message_header_line *hdr = block->hdr;

	if (hdr == NULL) {
		if (block->size == 0)
			look_close_part(look);
		return;
	}
	if (look->root == NULL)
		look->root = block->part;
	look->open = block->part;
	if (hdr->eoh)
		return;
	look_at_part(look, block->part, hdr);
	if (block->part == look->root)
		look_at_header(look, hdr);
}

void
roost_flags_look_at(struct roost_flags_look *look, struct istream *input)
{
	static const struct message_parser_settings set = {
		.hdr_flags = PARSER_FLAGS,
		.flags = MESSAGE_PARSER_FLAG_SKIP_BODY_BLOCK,
	};
	struct message_block block;

	if (look->parser == NULL) {
		look->input = input;
		i_stream_ref(input);
		look->parser = message_parser_init(look->pool, input, &set);
	}
	while (message_parser_parse_next_block(look->parser, &block) > 0)
		look_at_block(look, &block);
}

static void
look_attachment(const struct roost_flags_look *look,
		ARRAY_TYPE(const_string) *names)
{
	unsigned int bit = look->has_attachment ?
		ROOST_FLAGRULE_HAS_ATTACHMENT :
		ROOST_FLAGRULE_HAS_NO_ATTACHMENT;
	const char *name = look->has_attachment ?
		MAIL_KEYWORD_HAS_ATTACHMENT : MAIL_KEYWORD_HAS_NO_ATTACHMENT;

	if ((look->wanted & bit) != 0)
		array_push_back(names, &name);
}

const char *const *
roost_flags_look_names(struct roost_flags_look *look)
{
	static const char *const unsubscribe = "$canunsubscribe";
	ARRAY_TYPE(const_string) names;
	const char *field, *name;
	const bool *matched;

	t_array_init(&names, 8);
	look_close_part(look);
	look_attachment(look, &names);
	if ((look->wanted & ROOST_FLAGRULE_CAN_UNSUBSCRIBE) != 0 &&
	    roost_sender_can_unsubscribe(&look->says,
					 look->fbox->fuser->authserv))
		array_push_back(&names, &unsubscribe);
	array_foreach(&look->matched, matched) {
		if (*matched && roost_flagrule_header(look->fbox->fuser->rules,
				array_foreach_idx(&look->matched, matched),
				&field, &name))
			array_push_back(&names, &name);
	}
	array_append_zero(&names);
	return array_front(&names);
}

void
roost_flags_look_free(struct roost_flags_look **_look)
{
	struct roost_flags_look *look = *_look;
	struct message_part *parts;

	*_look = NULL;
	if (look == NULL)
		return;
	if (look->parser != NULL)
		message_parser_deinit(&look->parser, &parts);
	i_stream_unref(&look->input);
	pool_unref(&look->part_pool);
	pool_unref(&look->pool);
}

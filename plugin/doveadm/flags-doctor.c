/* SPDX-License-Identifier: MIT */
/*
 * flags-doctor: `doveadm roost flags doctor`: what is wrong with keywords,
 * and what to do about it.  Nothing is written.
 *
 * The exit code is 2 if anything was found.  A name that no message has is told
 * and is no finding, because it harms nobody and nothing can take it away.
 */
#include "doveadm/commands.h"
#include "doveadm/flags-tally.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

#include "settings/flags.h"

#define DOCTOR_EXIT_FOUND 2
#define DOCTOR_NAMES_MAX 200

/* How many letters for keywords maildir's file names have, and from how many
   on the doctor warns. */
#define MAILDIR_KEYWORDS_FILE "dovecot-keywords"
#define MAILDIR_LETTERS 26
#define MAILDIR_LETTERS_MANY 20

struct doctor_command {
	struct roost_masks_command cmd;
	struct roost_flagrules *rules;	/* of the user that is visited */
	bool has_found;
};

/* What is known of one mailbox. */
struct doctor_mailbox {
	struct doctor_command *cmd;
	struct mailbox *box;
	struct roost_flags_tally *names;
	struct roost_flags_tally *pairs;	/* "A B": messages with both */
};

static void
doctor_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	roost_masks_init(container_of(ctx, struct roost_masks_command,
					  ctx));
	doveadm_print_header_simple("mailbox");
	doveadm_print_header_simple("finding");
	doveadm_print_header_simple("keyword");
	doveadm_print_header("count", "count",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header_simple("advice");
}
ROOST_CMD_DEFINE_INIT(doctor_cmd_init)

static void
doctor_tell(const struct doctor_mailbox *dbox, const char *finding,
	    const char *keyword, unsigned int count, const char *advice)
{
	doveadm_print(mailbox_get_vname(dbox->box));
	doveadm_print(finding);
	roost_flags_print(keyword);
	doveadm_print_num(count);
	roost_flags_print(advice);
}

static void
doctor_find(const struct doctor_mailbox *dbox, const char *finding,
	    const char *keyword, unsigned int count, const char *advice)
{
	doctor_tell(dbox, finding, keyword, count, advice);
	dbox->cmd->has_found = TRUE;
}

/* -- each name -- */

/* Is the name an alias that messages have beside another name of the same
   meaning? */
static bool
has_spelling_beside(const struct doctor_mailbox *dbox,
		    const struct roost_flags_name *name)
{
	const struct roost_flagrules *rules = dbox->cmd->rules;
	const char *canonical = roost_flagrule_canonical(rules, name->name);
	struct roost_flags_name *other;

	if (name->count == 0 || strcasecmp(canonical, name->name) == 0)
		return FALSE;
	array_foreach_elem(&dbox->names->names, other) {
		if (other != name && other->count > 0 &&
		    strcasecmp(roost_flagrule_canonical(rules, other->name),
			       canonical) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
doctor_name(const struct doctor_mailbox *dbox,
	    const struct roost_flags_name *name)
{
	if (!roost_flagname_is_valid(name->name, SIZE_MAX))
		doctor_find(dbox, "invalid", name->name, name->count,
			    "rename it: clients cannot name it");
	else if (roost_flagname_is_lost(name->name))
		doctor_find(dbox, "unknown", name->name, name->count,
			    "rename it: " MAILDIR_KEYWORDS_FILE " was lost");
	if (has_spelling_beside(dbox, name))
		doctor_find(dbox, "alias", name->name, name->count,
			    t_strconcat("merge it into ",
					roost_flagrule_canonical(
						dbox->cmd->rules, name->name),
					NULL));
	if (name->count == 0)
		doctor_tell(dbox, "unused", name->name, 0,
			    "nothing to do; see purge");
}

/* -- each message -- */

/* The first of the names that means the same as this canonical one; NULL if
   none does. */
static const char *const *
first_meaning(const struct roost_flagrules *rules, const char *const *names,
	      const char *canonical)
{
	for (; *names != NULL; names++) {
		if (strcasecmp(roost_flagrule_canonical(rules, *names),
			       canonical) == 0)
			return names;
	}
	return NULL;
}

/* Count the keywords beside this one that the rules exclude with it.  A pair is
   counted once, for the lesser of its two names. */
static void
doctor_rivals(struct doctor_mailbox *dbox, const char *const *names,
	      const char *const *name)
{
	const struct roost_flagrules *rules = dbox->cmd->rules;
	const char *canonical = roost_flagrule_canonical(rules, *name), *rival;
	size_t iter = 0;

	while ((rival = roost_flagrule_next_rival(rules, canonical,
						  &iter)) != NULL) {
		if (strcasecmp(canonical, rival) < 0 &&
		    first_meaning(rules, names, canonical) == name &&
		    first_meaning(rules, names, rival) != NULL)
			roost_flags_tally_add(dbox->pairs, t_strconcat(
				canonical, " ", rival, NULL), 1);
	}
}

static int
doctor_message(struct mail *mail, void *context)
{
	struct doctor_mailbox *dbox = context;
	const char *const *names = mail_get_keywords(mail), *const *name;

	for (name = names; *name != NULL; name++) {
		roost_flags_tally_add(dbox->names, *name, 1);
		doctor_rivals(dbox, names, name);
	}
	return 0;
}

/* -- the mailbox -- */

/* How many of maildir's letters stand for a name; 0 in other storages. */
static unsigned int
maildir_letters(struct mailbox *box)
{
	struct istream *input;
	const char *dir, *line, *number;
	unsigned int letter, count = 0;

	if (strcmp(box->storage->name, "maildir") != 0 ||
	    mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				&dir) <= 0)
		return 0;
	input = i_stream_create_file(t_strconcat(dir,
				"/" MAILDIR_KEYWORDS_FILE, NULL), 1024);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		number = t_strcut(line, ' ');
		if (str_to_uint(number, &letter) == 0 &&
		    letter < MAILDIR_LETTERS)
			count++;
	}
	i_stream_unref(&input);
	return count;
}

static void
doctor_numbers(const struct doctor_mailbox *dbox)
{
	unsigned int letters = maildir_letters(dbox->box);
	unsigned int names = array_count(&dbox->names->names);

	if (letters >= MAILDIR_LETTERS_MANY)
		doctor_find(dbox, "letters", "", letters,
			    "merge names: Maildir has 26 letters, and what "
			    "is beyond them is in the index alone");
	if (names > DOCTOR_NAMES_MAX)
		doctor_find(dbox, "many", "", names,
			    "merge names: each costs every message");
}

static void
doctor_report(struct doctor_mailbox *dbox)
{
	struct roost_flags_name *name;

	roost_flags_tally_sort(dbox->names);
	array_foreach_elem(&dbox->names->names, name)
		doctor_name(dbox, name);
	array_foreach_elem(&dbox->pairs->names, name)
		doctor_find(dbox, "both", name->name, name->count,
			    "take one of them from these messages");
	doctor_numbers(dbox);
}

static int
doctor_mailbox(struct mailbox *box, void *context)
{
	struct doctor_mailbox dbox = {
		.cmd = context,
		.box = box,
		.names = roost_flags_tally_new(),
		.pairs = roost_flags_tally_new(),
	};
	int ret;

	roost_flags_tally_known(dbox.names, box);
	ret = roost_walk_messages(&dbox.cmd->cmd.ctx, box, doctor_message,
				  &dbox);
	if (ret == 0)
		doctor_report(&dbox);
	roost_flags_tally_free(&dbox.names);
	roost_flags_tally_free(&dbox.pairs);
	return ret;
}

/* Read the user's rules, whether the plugin roost_flags is loaded or not: 0, or
   -1 where they are wrong, which is logged. */
static int
doctor_rules(struct doctor_command *cmd, struct mail_user *user)
{
	const struct roost_flags_settings *set;
	const char *error;
	int ret;

	if (roost_flags_settings_get(user, &set, &error) < 0) {
		e_error(user->event, "roost_flags: %s", error);
		return -1;
	}
	ret = roost_flags_rules_init(cmd->rules, set, &error);
	if (ret < 0)
		e_error(user->event, "roost_flags: %s", error);
	roost_flags_settings_free(set);
	return ret;
}

static int
doctor_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  cmd.ctx);
	const struct roost_walk walk = {
		.ctx = ctx, .visit = doctor_mailbox, .context = cmd,
		.flags = MAILBOX_FLAG_READONLY,
	};
	int ret;

	cmd->rules = i_new(struct roost_flagrules, 1);
	ret = doctor_rules(cmd, user);
	if (ret < 0)
		ctx->exit_code = EX_CONFIG;
	else
		ret = roost_walk_masks(&walk, user, &cmd->cmd.masks);
	i_free(cmd->rules);
	return ret;
}

/* A finding sets the exit code last, so that it hides no failure. */
static void
doctor_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  cmd.ctx);

	if (cmd->has_found && ctx->exit_code == 0)
		ctx->exit_code = DOCTOR_EXIT_FOUND;
	roost_masks_deinit(ctx);
}

static struct doveadm_mail_cmd_context *
doctor_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct doctor_command));

	cmd->ctx.v.init = ROOST_CMD_INIT(doctor_cmd_init);
	cmd->ctx.v.run = doctor_cmd_run;
	cmd->ctx.v.deinit = doctor_cmd_deinit;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_flags_doctor = {
	.name = "roost flags doctor",
	.mail_cmd = doctor_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};

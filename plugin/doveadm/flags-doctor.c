/* SPDX-License-Identifier: MIT */
/*
 * flags-doctor: `doveadm roost flags doctor`: what is wrong with keywords,
 * and what to do about it.  With --fix, messages get the names back that
 * Maildir lost and that somebody still knows; else nothing is written.
 *
 * The exit code is 2 if anything was found.  A name that no message has is told
 * and is no finding, because it harms nobody and nothing can take it away.
 */
#include "doveadm/commands.h"
#include "doveadm/flags-change.h"
#include "doveadm/flags-restore.h"
#include "doveadm/flags-tally.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

#include "settings/flags.h"

#include <sys/stat.h>

#define DOCTOR_EXIT_FOUND 2
#define DOCTOR_NAMES_MAX 200

/* Of maildir's letters, from how many on the doctor warns. */
#define MAILDIR_LETTERS_MANY 20

struct doctor_command {
	struct roost_masks_command cmd;
	bool is_fix;
	const char *backup;		/* a file or folder; NULL: none */
	/* Of the user that is visited; ruser is NULL until a token is to be
	   opened. */
	struct roost_flagrules *rules;
	struct roost_user *ruser;
	bool has_found;
};

/* What is known of one mailbox. */
struct doctor_mailbox {
	struct doctor_command *cmd;
	struct mailbox *box;
	struct roost_flags_tally *names;
	struct roost_flags_tally *pairs;	/* "A B": messages with both */
	struct roost_flags_letters letters, backup;
};

/* A backup is that of one user's mailboxes, or of one mailbox.  Returns what is
   wrong with it, or NULL. */
static const char *
doctor_check_backup(const struct doctor_command *cmd)
{
	struct stat st;

	if (cmd->backup == NULL)
		return NULL;
	if (stat(cmd->backup, &st) < 0)
		return t_strdup_printf("--backup: Cannot look at %s: %m",
				       cmd->backup);
	if (!cmd->cmd.ctx.iterate_single_user)
		return "--backup is that of one user: name one with -u";
	if (!S_ISDIR(st.st_mode) && !cmd->cmd.masks.is_one_mailbox)
		return "--backup names a file, which is that of one mailbox: "
			"name the mailbox, or let --backup name the folder of "
			"all of them";
	return NULL;
}

static void
doctor_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  cmd.ctx);
	const char *misuse;

	roost_masks_init(&cmd->cmd);
	(void)doveadm_cmd_param_bool(ctx->cctx, "fix", &cmd->is_fix);
	(void)doveadm_cmd_param_str(ctx->cctx, "backup", &cmd->backup);
	misuse = doctor_check_backup(cmd);
	if (misuse != NULL) {
		roost_command_misuse(ctx, misuse);
		return;
	}
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

/* The key by which tokens in files open; NULL if there is none, as where Roost
   has no part in the mail. */
static const struct roost_token_key *
doctor_token_key(const struct doctor_mailbox *dbox)
{
	struct mail_namespace *ns = mailbox_get_namespace(dbox->box);
	struct doctor_command *cmd = dbox->cmd;
	struct roost_ring *ring;
	const char *error;

	if (cmd->ruser == NULL)
		cmd->ruser = roost_user_share_take(dbox->box->storage->user,
						   &error);
	return cmd->ruser == NULL ||
		roost_user_ring(cmd->ruser, ns, &ring, &error) <= 0 ?
		NULL : roost_ring_token_key(ring);
}

/* Messages have a name that Maildir lost: give them back the one they had, or
   say what to do. */
static int
doctor_lost(const struct doctor_mailbox *dbox,
	    const struct roost_flags_name *name)
{
	const char *const sources[] = { name->name, NULL };
	struct roost_flags_change change = {
		.ctx = &dbox->cmd->cmd.ctx, .sources = sources,
	};
	unsigned int changed;
	const char *why;

	change.target = roost_flags_restore_name(name->name, &dbox->letters,
		&dbox->backup, doctor_token_key(dbox), &why);
	if (change.target == NULL) {
		doctor_find(dbox, "unknown", name->name, name->count, why);
		return 0;
	}
	if (!dbox->cmd->is_fix) {
		doctor_find(dbox, "unknown", name->name, name->count,
			    t_strdup_printf("restore it with --fix: it was %s",
					    change.target));
		return 0;
	}
	if (roost_flags_change_mailbox(&change, dbox->box, &changed) < 0)
		return -1;
	doctor_tell(dbox, "restored", name->name, changed,
		    t_strdup_printf("it is %s again", change.target));
	return 0;
}

static int
doctor_name(const struct doctor_mailbox *dbox,
	    const struct roost_flags_name *name)
{
	int ret = 0;

	if (!roost_flagname_is_valid(name->name, SIZE_MAX))
		doctor_find(dbox, "invalid", name->name, name->count,
			    "rename it: clients cannot name it");
	else if (roost_flagname_is_lost(name->name) && name->count > 0)
		ret = doctor_lost(dbox, name);
	if (has_spelling_beside(dbox, name))
		doctor_find(dbox, "alias", name->name, name->count,
			    t_strconcat("merge it into ",
					roost_flagrule_canonical(
						dbox->cmd->rules, name->name),
					NULL));
	if (name->count == 0)
		doctor_tell(dbox, "unused", name->name, 0,
			    "nothing to do; see purge");
	return ret;
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
maildir_letters(const struct doctor_mailbox *dbox)
{
	unsigned int letter, count = 0;

	for (letter = 0; letter < ROOST_FLAGS_RESTORE_LETTERS; letter++) {
		if (dbox->letters.names[letter] != NULL)
			count++;
	}
	return count;
}

static void
doctor_numbers(const struct doctor_mailbox *dbox)
{
	unsigned int letters = maildir_letters(dbox);
	unsigned int names = array_count(&dbox->names->names);

	if (letters >= MAILDIR_LETTERS_MANY)
		doctor_find(dbox, "letters", "", letters,
			    "merge names: Maildir has 26 letters, and what "
			    "is beyond them is in the index alone");
	if (names > DOCTOR_NAMES_MAX)
		doctor_find(dbox, "many", "", names,
			    "merge names: each costs every message");
}

static int
doctor_report(struct doctor_mailbox *dbox)
{
	struct roost_flags_name *name;
	int ret = 0;

	roost_flags_tally_sort(dbox->names);
	array_foreach_elem(&dbox->names->names, name) {
		if (doctor_name(dbox, name) < 0)
			ret = -1;
	}
	array_foreach_elem(&dbox->pairs->names, name)
		doctor_find(dbox, "both", name->name, name->count,
			    "take one of them from these messages");
	doctor_numbers(dbox);
	return ret;
}

/* Reads what Maildir's letters mean, now and in the backup. */
static int
doctor_letters(struct doctor_mailbox *dbox, pool_t pool)
{
	const char *error;

	if (roost_flags_restore_current(dbox->box, pool, &dbox->letters,
					&error) == 0 &&
	    (dbox->cmd->backup == NULL ||
	     roost_flags_restore_backup(dbox->box, pool, dbox->cmd->backup,
					&dbox->backup, &error) == 0))
		return 0;
	e_error(dbox->box->event, "roost: Mailbox %s: %s",
		mailbox_get_vname(dbox->box), error);
	doveadm_mail_failed_error(&dbox->cmd->cmd.ctx, MAIL_ERROR_TEMP);
	return -1;
}

static int
doctor_mailbox(struct mailbox *box, void *context)
{
	pool_t pool = pool_alloconly_create("roost flags doctor", 1024);
	struct doctor_mailbox dbox = {
		.cmd = context,
		.box = box,
		.names = roost_flags_tally_new(),
		.pairs = roost_flags_tally_new(),
	};
	int ret = doctor_letters(&dbox, pool);

	roost_flags_tally_known(dbox.names, box);
	if (ret == 0)
		ret = roost_walk_messages(&dbox.cmd->cmd.ctx, box,
					  doctor_message, &dbox);
	if (ret == 0)
		ret = doctor_report(&dbox);
	roost_flags_tally_free(&dbox.names);
	roost_flags_tally_free(&dbox.pairs);
	pool_unref(&pool);
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
		.flags = cmd->is_fix ? 0 : MAILBOX_FLAG_READONLY,
	};
	int ret;

	cmd->rules = i_new(struct roost_flagrules, 1);
	ret = doctor_rules(cmd, user);
	if (ret < 0)
		ctx->exit_code = EX_CONFIG;
	else
		ret = roost_walk_masks(&walk, user, &cmd->cmd.masks);
	i_free(cmd->rules);
	if (cmd->ruser != NULL)
		roost_user_share_give_back(&cmd->ruser);
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
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[--fix] [--backup <file or folder>] [<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
DOVEADM_CMD_PARAM('x', "fix", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('b', "backup", CMD_PARAM_STR, 0)
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};

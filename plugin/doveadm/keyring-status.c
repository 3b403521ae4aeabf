/* SPDX-License-Identifier: MIT */
/*
 * keyring-status: `doveadm roost status`: tells what a user's keyring is,
 * whether it opens, how much of the mail is sealed, and what to do next.
 *
 * No secret of the user is needed, and of each message the first bytes are
 * read.  With --quick not even these: the columns about messages stay empty.
 * Without a secret, a keyring in password mode stays locked, and it is not
 * known whether it opens: then the exit code is 77 if nothing else is wrong.
 *
 * At the command line of the mail host it is also an error where Roost is not
 * loaded, because all that is told of a user is of no use there: 78.
 */
#include "doveadm/commands.h"

#include "doveadm/count.h"
#include "doveadm/given.h"
#include "doveadm/home.h"
#include "doveadm/loaded.h"
#include "doveadm/wrap.h"
#include "session/user-check.h"
#include "settings/line.h"

#include "roost/bytes.h"

extern const char roost_version[];	/* made by the Makefile */

struct status_command {
	struct doveadm_mail_cmd_context ctx;
	struct roost_findings findings;		/* about the server */
	struct roost_given given;
	bool is_quick;
	bool is_for_people;	/* no format was asked for */
	bool is_locked;		/* a keyring is, and nothing shows more */
};

/* What is known of a user. */
struct status {
	struct mail_user *user;
	struct roost_ring *ring;	/* NULL: there is none, or it fails */
	const struct roost_config *config;
	const char *name;		/* of the keyring */
	const char *state;
	const char *next;		/* what to do, where that is known */
	bool is_locked;			/* for want of the user's secret */
	bool is_counted;		/* and count is right */
	struct roost_count count;
};

static void
status_count_header(const char *key, const char *title)
{
	doveadm_print_header(key, title,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}

/* Over a connection no program is asked for the configuration. */
static void
status_check_server(struct status_command *cmd)
{
	const char *error;

	cmd->findings.is_logged = TRUE;
	if (cmd->ctx.cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI &&
	    roost_loaded_check(&cmd->findings, &error) < 0)
		i_fatal_status(EX_TEMPFAIL, "roost: %s", error);
}

static void
status_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct status_command *cmd =
		container_of(_ctx, struct status_command, ctx);

	roost_given_init(&cmd->given, _ctx);
	if (roost_command_refuse_more(_ctx) ||
	    roost_given_refuse_many(&cmd->given, _ctx))
		return;
	(void)doveadm_cmd_param_bool(_ctx->cctx, "quick", &cmd->is_quick);
	status_check_server(cmd);
	doveadm_print_header_simple("keyring");
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("mode");
	doveadm_print_header_simple("policy");
	doveadm_print_header_simple("generation");
	doveadm_print_header_simple("epochs");
	doveadm_print_header_simple("slots");
	doveadm_print_header_simple("state");
	status_count_header("messages", "messages");
	status_count_header("not-sealed", "not sealed");
	status_count_header("old-epoch", "old epoch");
	doveadm_print_header_simple("version");
	doveadm_print_header_simple("next");
}
ROOST_CMD_DEFINE_INIT(status_cmd_init)

/* -- the keyring -- */

/* Returns the types of its slots with commas between. */
static const char *
status_slots(const struct roost_keyring *doc)
{
	string_t *str = t_str_new(64);
	unsigned int i;

	for (i = 0; i < doc->slot_count; i++)
		str_printfa(str, "%s%s", i == 0 ? "" : ",",
			    roost_slot_type_name(doc->slots[i].type));
	return str_c(str);
}

/* Tries to unlock the keyring, and says how that went.  Returns 0 if it is in
   order, or -1.  One in password mode that stays locked may be in order: the
   user's secret is not at hand here. */
static int
status_state(struct status *status)
{
	struct roost_ring *ring = status->ring;
	bool has_provider = roost_keyring_has_slot(roost_ring_doc(ring),
						   ROOST_SLOT_PROVIDER);
	enum roost_err err = roost_ring_unlock(ring);

	status->state = err == ROOST_OK ? "open" : err == ROOST_ERR_LOCKED ?
		"locked" : roost_err_phrase(err);
	status->is_locked = err == ROOST_ERR_LOCKED && !has_provider;
	return err == ROOST_OK || status->is_locked ? 0 : -1;
}

/* Is the keyring still wrapped by the provider key that is being replaced? */
static bool
status_has_old_provider_key(const struct status *status)
{
	const struct roost_keyring *doc = roost_ring_doc(status->ring);
	uint8_t id[ROOST_PROVIDER_ID_SIZE];

	return status->config->provider_key_count > 1 &&
		roost_provider_id(status->config->secrets->provider_keys,
				  id) == ROOST_OK &&
		!roost_bytes_equal(id, doc->provider_id, sizeof(id));
}

/* -- what to do next -- */

/* For one without a keyring. */
static const char *
next_for_none(const struct status *status)
{
	const char *user = status->user->username;

	if (status->config->enable != ROOST_ENABLE_YES)
		return "Nothing, because roost_enable lets no keyring be made";
	if (status->is_counted && status->count.all.unsealed > 0)
		return t_strdup_printf("Make a keyring, so that the %u "
			"messages can be sealed: doveadm roost init -u %s",
			status->count.all.unsealed, user);
	if (status->config->auto_create)
		return "Nothing: the first message that is saved makes a "
			"keyring";
	return t_strdup_printf("Make a keyring: doveadm roost init -u %s",
			       user);
}

/* For the messages; NULL if there is nothing to do about them. */
static const char *
next_for_mail(const struct status *status)
{
	const struct roost_count_box *all = &status->count.all;
	const char *user = status->user->username;

	if (!status->is_counted)
		return NULL;
	if (all->unsealed > 0)
		return t_strdup_printf("Seal the %u messages that are not: "
				       "doveadm roost seal -u %s",
				       all->unsealed, user);
	if (all->old_epoch > 0)
		return t_strdup_printf("Seal the %u messages of older epochs "
				       "anew: doveadm roost reseal -u %s",
				       all->old_epoch, user);
	if (roost_ring_policy(status->ring) != ROOST_POLICY_SEALED)
		return t_strdup_printf("Let no plaintext in any more: doveadm "
				       "roost seal -u %s --finish", user);
	return NULL;
}

static const char *
next_for(const struct status *status)
{
	const struct roost_keyring *doc = roost_ring_doc(status->ring);
	const char *user = status->user->username, *next;

	if (status_has_old_provider_key(status))
		return t_strdup_printf("Bring the keyring to the new provider "
			"key: doveadm roost provider-rotate -u %s", user);
	/* After a replacement that was broken off, or told to keep the old
	   one. */
	if (roost_keyring_count_slots(doc, ROOST_SLOT_PASSWORD) > 1)
		return t_strdup_printf("Two passwords open the keyring: keep "
			"one, by giving that as the present and as the new "
			"one: doveadm roost slot replace -u %s password",
			user);
	next = next_for_mail(status);
	if (next != NULL)
		return next;
	if (!roost_keyring_has_slot(doc, ROOST_SLOT_PROVIDER) &&
	    !roost_keyring_has_slot(doc, ROOST_SLOT_RECOVERY))
		return t_strdup_printf("Add a recovery code, without which a "
			"forgotten password loses the mail: doveadm roost "
			"slot add -u %s recovery", user);
	if (!status->is_counted)
		return "Ask again without --quick whether mail is to be sealed";
	return !status->is_locked ? "Nothing" :
		t_strdup_printf("See whether the user's secret opens it: "
				"doveadm roost status -u %s --secret-file -",
				user);
}

/* -- printing -- */

/* Which Roost the commands are of: "roost 1.0.0" without its name. */
static void
status_print_version(void)
{
	doveadm_print(strchr(roost_version, ' ') + 1);
}

/* The last column, which is a sentence. */
static void
status_print_next(const struct status *status, const struct status_command *cmd)
{
	const char *text = cmd->findings.is_bad ? "Load Roost where the errors "
		"say that it is not, and restart Dovecot" : status->next;

	doveadm_print(cmd->is_for_people ? roost_wrap("next: ", text) : text);
}

static void
status_print_keyring(const struct status *status)
{
	const struct roost_keyring *doc = roost_ring_doc(status->ring);
	char id[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(doc->id, ROOST_ID_SIZE, id);
	doveadm_print(id);
	doveadm_print(roost_keyring_has_slot(doc, ROOST_SLOT_PROVIDER) ?
		      "provider" : "password");
	doveadm_print(roost_command_policy_name(
		roost_ring_policy(status->ring)));
	doveadm_print_num(doc->generation);
	doveadm_print_num(doc->epoch_count);
	doveadm_print(status_slots(doc));
}

static void
status_print_no_keyring(void)
{
	static const char *const empty[] = { "", "", "", "", "", "" };
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(empty); i++)
		doveadm_print(empty[i]);
}

static void
status_print(const struct status *status, const struct status_command *cmd)
{
	const struct roost_count_box *all = &status->count.all;

	doveadm_print(status->name);
	if (status->ring != NULL)
		status_print_keyring(status);
	else
		status_print_no_keyring();
	doveadm_print(status->state);
	doveadm_print(status->is_counted ? dec2str(all->messages) : "");
	doveadm_print(status->is_counted ? dec2str(all->unsealed) : "");
	doveadm_print(status->is_counted && status->ring != NULL ?
		      dec2str(all->old_epoch) : "");
	status_print_version();
	status_print_next(status, cmd);
}

/* -- running -- */

/* Finds out what the keyring is.  Returns 0, or -1 with error_r if it is not in
   order; what is to be printed is known in both cases. */
static int
status_keyring(struct status *status, struct status_command *cmd,
	       struct roost_user *ruser, struct mail_namespace *ns,
	       const char **error_r)
{
	int ret = roost_user_ring(ruser, ns, &status->ring, error_r);

	if (ret < 0) {
		status->ring = NULL;
		status->state = "refused";
		status->next = "Mend what the error about the keyring names";
		return -1;
	}
	if (ret == 0) {
		status->state = "no keyring";
		return 0;
	}
	ret = roost_given_unlock(&cmd->given, status->ring, status->config,
				 FALSE, error_r);
	if (ret < 0) {
		status->state = "locked";
		status->next = "Give a secret that opens the keyring";
		return ret;
	}
	if (status_state(status) == 0)
		return 0;
	status->next = "Restore the keyring, or the provider key that it was "
		"made with, from a backup";
	*error_r = t_strdup_printf("The keyring %s does not open: %s",
				   status->name, status->state);
	return -1;
}

/* Counts the messages.  Returns 0, or -1 with error_r, also where sealed ones
   lie there without a keyring. */
static int
status_mail(struct status *status, struct doveadm_mail_cmd_context *ctx,
	    struct mail_namespace *ns, const char **error_r)
{
	const struct roost_count_box *all = &status->count.all;

	if (roost_count_mail(ctx, ns, status->ring, &status->count,
			     error_r) < 0)
		return -1;
	status->is_counted = TRUE;
	if (status->ring != NULL || all->messages == all->unsealed)
		return 0;
	status->next = "Restore the keyring from a backup";
	*error_r = t_strdup_printf("There is no keyring %s, but there are %u "
		"sealed messages: restore it from a backup", status->name,
		all->messages - all->unsealed);
	return -1;
}

/* Does userdb take Roost away from the user?  Returns 0, or -1 with error_r. */
static int
status_plugin(struct status *status, const char **error_r)
{
	if (str_array_find(roost_mail_plugins(status->user->set), "roost"))
		return 0;
	status->next = "Take mail_plugins out of the user's userdb fields, or "
		"add roost to it";
	*error_r = "mail_plugins of this user lacks roost, so that mail is "
		"saved in clear, and sealed mail cannot be read: take it out "
		"of the user's userdb fields, or add roost to it";
	return -1;
}

/* Does mail of the user lie in a storage that cannot hold sealed mail?  Returns
   0, or -1 with error_r. */
static int
status_storage(struct status *status, const char **error_r)
{
	const char *user = status->user->username, *why;
	struct mail_namespace *ns;

	if (status->config->enable != ROOST_ENABLE_YES)
		return 0;
	for (ns = status->user->namespaces; ns != NULL; ns = ns->next) {
		why = ns->owner != status->user ? NULL :
			roost_user_check_storage_kind(ns->storage);
		if (why == NULL)
			continue;
		status->next = t_strdup_printf("Move the mail, and name its "
			"new place in the configuration: "ROOST_LINE_MOVE,
			user);
		*error_r = t_strdup_printf("Namespace \"%s\": %s", ns->prefix,
					   why);
		return -1;
	}
	return 0;
}

static int
status_run(struct status *status, struct status_command *cmd,
	   struct roost_user *ruser, const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(status->user);
	int ret;

	if (roost_user_namespace_config(ruser, ns, &status->config,
					error_r) < 0)
		return -1;
	ret = status_keyring(status, cmd, ruser, ns, error_r);
	if (ret == 0 && !cmd->is_quick) {
		ret = status_mail(status, &cmd->ctx, ns, error_r);
		if (ret < 0 && status->next == NULL)
			status->next = "Mend what the errors name";
	}
	if (status->next == NULL)
		status->next = status->ring == NULL ? next_for_none(status) :
			next_for(status);
	if (ret == 0)
		ret = status_plugin(status, error_r);
	if (ret == 0)
		ret = status_storage(status, error_r);
	status_print(status, cmd);
	cmd->is_locked = cmd->is_locked || status->is_locked;
	roost_count_free(&status->count);
	return ret;
}

/* Has the user no place for a keyring?  Returns 0, or -1 with error_r; then the
   row is printed. */
static int
status_home(struct status *status, const struct status_command *cmd,
	    const char **error_r)
{
	const char *mend, *fault =
		status->config->enable == ROOST_ENABLE_NO ? NULL :
		roost_home_fault(status->user, status->config, &mend);

	if (fault == NULL)
		return 0;
	*error_r = t_strdup_printf("%s: %s", fault, mend);
	status->name = status->config->keyring;
	status->state = "no home";
	status->next = "Give the user a home, as the error says";
	status_print(status, cmd);
	return -1;
}

static int
status_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct status_command *cmd =
		container_of(_ctx, struct status_command, ctx);
	struct status status = {
		.user = user, .config = roost_user_config(ruser),
	};
	struct roost_keystore *store;
	int ret;

	if (status_home(&status, cmd, error_r) < 0)
		return -1;
	store = roost_user_keystore(ruser, roost_command_namespace(user),
				    error_r);
	if (store == NULL)
		return -1;
	status.name = roost_keystore_name(store);
	ret = status_run(&status, cmd, ruser, error_r);
	roost_keystore_deinit(&store);
	return ret;
}

static int
status_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, status_user);
}

/* What is no failure of a user sets the exit code last, so that it hides
   none.  To the HTTP API an exit code is the whole answer, in which the row
   would be missing that says of a keyring that it is locked. */
static void
status_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct status_command *cmd =
		container_of(ctx, struct status_command, ctx);

	if (ctx->exit_code == 0 && cmd->findings.is_bad)
		ctx->exit_code = EX_CONFIG;
	if (ctx->exit_code == 0 && cmd->is_locked &&
	    ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_HTTP)
		ctx->exit_code = EX_NOPERM;
	roost_given_deinit(&cmd->given);
}

static struct doveadm_mail_cmd_context *
status_cmd_alloc(void)
{
	struct status_command *cmd =
		doveadm_mail_cmd_alloc(struct status_command);

	roost_command_accept_params(&cmd->ctx);
	cmd->ctx.v.init = ROOST_CMD_INIT(status_cmd_init);
	cmd->ctx.v.run = status_cmd_run;
	cmd->ctx.v.deinit = status_cmd_deinit;
	/* So many columns are a table for no terminal. */
	cmd->is_for_people = !doveadm_print_is_initialized();
	doveadm_print_init(DOVEADM_PRINT_TYPE_PAGER);
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_status = {
	.name = "roost status",
	.mail_cmd = status_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_GIVEN_USAGE
		"[-q|--quick]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('q', "quick", CMD_PARAM_BOOL, 0)
ROOST_COMMAND_MORE_PARAM
ROOST_GIVEN_PARAMS
DOVEADM_CMD_PARAMS_END
};

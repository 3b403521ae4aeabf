/* SPDX-License-Identifier: MIT */
/*
 * keyring-policy: `doveadm roost policy`: says whether messages that are not
 * sealed are served and how many there are, or changes that.
 *
 * Needs the provider key and no secret of the user.
 */
#include "doveadm/commands.h"

#include "session/inspect.h"
#include "session/ring-change.h"
#include "doveadm/walk.h"

struct policy_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_change;
	enum roost_policy policy;	/* the new one, if is_change */
	const char *prefix;		/* of a namespace; NULL: the user's */
};

struct policy_box {
	const char *vname;
	unsigned int messages, unsealed;
};

struct policy_counts {
	struct doveadm_mail_cmd_context *ctx;
	pool_t pool;
	ARRAY(struct policy_box) boxes;	/* that were read whole */
	struct policy_box box;		/* that is being read */
	struct policy_box all;
	bool is_unread;			/* some could not be looked at */
};

static void ATTR_NORETURN
policy_usage(const char *error)
{
	i_fatal_status(EX_USAGE, "roost policy: %s", error);
}

static void
policy_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct policy_context *ctx =
		container_of(_ctx, struct policy_context, ctx);
	const char *policy;

	ctx->is_change = doveadm_cmd_param_str(_ctx->cctx, "policy", &policy);
	if (ctx->is_change && !roost_command_policy(policy, &ctx->policy))
		policy_usage("write open or sealed, or nothing");
	(void)doveadm_cmd_param_str(_ctx->cctx, "namespace", &ctx->prefix);

	doveadm_print_header_simple("policy");
	doveadm_print_header("in-force", "in force", 0);
	doveadm_print_header_simple("mailbox");
	doveadm_print_header("messages", "messages",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("not-sealed", "not sealed",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(policy_cmd_init)

/* -- counting -- */

static int
count_message(struct mail *mail, void *context)
{
	struct policy_counts *counts = context;
	struct roost_peek peek;

	if (roost_inspect_peek(mail, &peek) > 0) {
		counts->box.messages++;
		if (!peek.is_sealed)
			counts->box.unsealed++;
	} else if (!mail->expunged) {
		counts->box.messages++;
		counts->is_unread = TRUE;
		e_error(mail_event(mail), "roost: Cannot look whether it is "
			"sealed: its file cannot be read");
	}
	return 0;
}

static int
count_mailbox(struct mailbox *box, void *context)
{
	struct policy_counts *counts = context;

	i_zero(&counts->box);
	if (roost_walk_messages(counts->ctx, box, count_message, counts) < 0)
		return -1;
	counts->box.vname = p_strdup(counts->pool, mailbox_get_vname(box));
	array_push_back(&counts->boxes, &counts->box);
	counts->all.messages += counts->box.messages;
	counts->all.unsealed += counts->box.unsealed;
	return 0;
}

/* Counts all mail that the keyring of this namespace is for, by mailbox: 0, or
   -1 with error_r if not every message could be looked at. */
static int
policy_count(struct policy_context *ctx, struct mail_namespace *ns,
	     struct policy_counts *counts, const char **error_r)
{
	const struct roost_walk walk = {
		.ctx = &ctx->ctx, .visit = count_mailbox, .context = counts,
		.flags = MAILBOX_FLAG_READONLY,
	};
	struct mail_namespace *other;
	const char *error;
	int ret = 0;

	for (other = ns->user->namespaces; other != NULL;
	     other = other->next) {
		if (!roost_walk_is_storing(other) ||
		    (other != ns && (ns->owner == NULL ||
				     other->owner != ns->owner)))
			continue;
		if (roost_walk_namespace(&walk, other, &error) < 0) {
			*error_r = error;
			ret = -1;
		}
	}
	if (ret == 0 && counts->is_unread) {
		*error_r = "Not every message could be looked at; each is "
			"named above";
		ret = -1;
	}
	return ret;
}

/* -- printing -- */

/* The ring is NULL where there is no keyring. */
static void
print_row(const struct roost_ring *ring, const struct policy_box *row)
{
	doveadm_print(ring == NULL ? "no keyring" :
		      roost_command_policy_name(roost_ring_doc(ring)->policy));
	doveadm_print(ring == NULL ? "" :
		      roost_command_policy_name(roost_ring_policy(ring)));
	doveadm_print(row->vname);
	doveadm_print_num(row->messages);
	doveadm_print_num(row->unsealed);
}

/* A row for all mail, and one for each mailbox with messages that are not
   sealed. */
static void
policy_print(const struct roost_ring *ring, struct policy_counts *counts)
{
	const struct policy_box *row;

	counts->all.vname = "*";
	print_row(ring, &counts->all);
	array_foreach(&counts->boxes, row) {
		if (row->unsealed > 0)
			print_row(ring, row);
	}
}

/* -- running -- */

/* Returns the namespace whose keyring is meant; NULL with error_r. */
static struct mail_namespace *
policy_namespace(struct policy_context *ctx, struct mail_user *user,
		 const char **error_r)
{
	return ctx->prefix == NULL ? roost_command_namespace(user) :
		roost_command_namespace_find(user, ctx->prefix, error_r);
}

static int
policy_change(struct policy_context *ctx, struct roost_user *ruser,
	      struct mail_namespace *ns, struct roost_ring *ring,
	      const char **error_r)
{
	const struct roost_config *config;
	struct roost_keystore *store;
	int ret;

	if (!ctx->is_change)
		return 0;
	store = roost_user_keystore(ruser, ns, error_r);
	if (store == NULL ||
	    roost_user_namespace_config(ruser, ns, &config, error_r) < 0)
		ret = -1;
	else
		ret = roost_ring_change_policy(ring, store, config,
					       ctx->policy, error_r);
	roost_keystore_deinit(&store);
	return ret < 0 ? -1 : roost_user_renew_ring(ruser, ring, error_r);
}

/* Warns whoever has just changed the policy of what follows from it. */
static void
policy_warn(const struct policy_context *ctx, struct mail_user *user,
	    const struct roost_ring *ring, const struct policy_counts *counts)
{
	bool is_sealed;

	if (!ctx->is_change)
		return;
	is_sealed = roost_ring_policy(ring) == ROOST_POLICY_SEALED;
	if (is_sealed && ctx->policy == ROOST_POLICY_OPEN)
		e_warning(user->event, "roost: roost_policy of userdb keeps "
			  "the policy sealed");
	if (is_sealed && counts->all.unsealed > 0)
		e_warning(user->event, "roost: %u messages are not sealed, "
			  "and are refused from now on: roost_plaintext "
			  "decides about them", counts->all.unsealed);
}

static int
policy_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct policy_context *ctx =
		container_of(_ctx, struct policy_context, ctx);
	struct mail_namespace *ns = policy_namespace(ctx, user, error_r);
	struct policy_counts counts = { .ctx = &ctx->ctx };
	struct roost_ring *ring;
	int ret;

	if (ns == NULL)
		return -1;
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret > 0) {
		ret = policy_change(ctx, ruser, ns, ring, error_r);
	} else if (ret == 0 && ctx->is_change) {
		*error_r = t_strdup_printf("There is no keyring: make it with "
			"doveadm roost init -u %s", user->username);
		ret = -1;
	}
	if (ret < 0)
		return -1;
	counts.pool = pool_alloconly_create("roost policy", 1024);
	p_array_init(&counts.boxes, counts.pool, 16);
	ret = policy_count(ctx, ns, &counts, error_r);
	policy_print(ring, &counts);
	policy_warn(ctx, user, ring, &counts);
	pool_unref(&counts.pool);
	return ret;
}

static int
policy_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, policy_user);
}

static struct doveadm_mail_cmd_context *
policy_cmd_alloc(void)
{
	struct policy_context *ctx =
		doveadm_mail_cmd_alloc(struct policy_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(policy_cmd_init);
	ctx->ctx.v.run = policy_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_policy_change = {
	.name = "roost policy",
	.mail_cmd = policy_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n|--namespace <prefix>] [open|sealed]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('n', "namespace", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "policy", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

/* SPDX-License-Identifier: MIT */
/*
 * keyring-status: `doveadm roost status`: tells what a user's keyring is, and
 * whether it opens.
 */
#include "doveadm/commands.h"

#include "roost/bytes.h"

static void
status_cmd_init(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED)
{
	doveadm_print_header_simple("keyring");
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("mode");
	doveadm_print_header_simple("policy");
	doveadm_print_header_simple("generation");
	doveadm_print_header_simple("epochs");
	doveadm_print_header_simple("slots");
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(status_cmd_init)

/* Returns the types of its slots with commas between. */
static const char *
status_slots(const struct roost_keyring *doc)
{
	static const char *const names[] = {
		[ROOST_SLOT_PROVIDER] = "provider",
		[ROOST_SLOT_PASSWORD] = "password",
		[ROOST_SLOT_APP] = "app",
		[ROOST_SLOT_RECOVERY] = "recovery",
	};
	string_t *str = t_str_new(64);
	unsigned int i;

	for (i = 0; i < doc->slot_count; i++)
		str_printfa(str, "%s%s", i == 0 ? "" : ",",
			    names[doc->slots[i].type]);
	return str_c(str);
}

/* Tries to unlock the keyring, and says how that went.  Returns 0 if it is in
   order, or -1.  One in password mode that stays locked is in order, because
   the user's secret is not at hand here. */
static int
status_state(struct roost_ring *ring, const char **state_r)
{
	bool has_provider = roost_keyring_has_slot(roost_ring_doc(ring),
						   ROOST_SLOT_PROVIDER);
	enum roost_err err = roost_ring_unlock(ring);

	*state_r = err == ROOST_OK ? "open" : err == ROOST_ERR_LOCKED ?
		"locked" : roost_err_phrase(err);
	return err == ROOST_OK || (err == ROOST_ERR_LOCKED && !has_provider) ?
		0 : -1;
}

/* Returns 0, or -1 with error_r if the keyring is not in order. */
static int
status_print(struct roost_ring *ring, const char *name, const char **error_r)
{
	const struct roost_keyring *doc = roost_ring_doc(ring);
	char id[2 * ROOST_ID_SIZE + 1];
	const char *state;
	int ret = status_state(ring, &state);

	roost_bytes_hex(doc->id, ROOST_ID_SIZE, id);
	doveadm_print(name);
	doveadm_print(id);
	doveadm_print(roost_keyring_has_slot(doc, ROOST_SLOT_PROVIDER) ?
		      "provider" : "password");
	doveadm_print(roost_command_policy_name(roost_ring_policy(ring)));
	doveadm_print_num(doc->generation);
	doveadm_print_num(doc->epoch_count);
	doveadm_print(status_slots(doc));
	doveadm_print(state);
	*error_r = t_strdup_printf("The keyring %s does not open: %s",
				   name, state);
	return ret;
}

static void
status_print_none(const char *name, const char *state)
{
	static const char *const empty[] = { "", "", "", "", "", "" };
	unsigned int i;

	doveadm_print(name);
	for (i = 0; i < N_ELEMENTS(empty); i++)
		doveadm_print(empty[i]);
	doveadm_print(state);
}

static int
status_user(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED,
	    struct roost_user *ruser, struct mail_user *user,
	    const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(user);
	struct roost_keystore *store;
	struct roost_ring *ring;
	int ret;

	store = roost_user_keystore(ruser, ns, error_r);
	if (store == NULL)
		return -1;
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret > 0)
		ret = status_print(ring, roost_keystore_name(store), error_r);
	else
		status_print_none(roost_keystore_name(store),
				  ret < 0 ? "refused" : "no keyring");
	roost_keystore_deinit(&store);
	return ret;
}

static int
status_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, status_user);
}

static struct doveadm_mail_cmd_context *
status_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct doveadm_mail_cmd_context);

	roost_command_accept_params(ctx);
	ctx->v.init = ROOST_CMD_INIT(status_cmd_init);
	ctx->v.run = status_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_status = {
	.name = "roost status",
	.mail_cmd = status_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAMS_END
};

/* SPDX-License-Identifier: MIT */
/*
 * slot-list: `doveadm roost slot list`: what opens a keyring.  And `doveadm
 * roost slot` alone, which tells how the commands about slots are used.
 */
#include "doveadm/commands.h"

#include "doveadm/slots.h"

#include "time-util.h"

#include "roost/bytes.h"

#include <stdio.h>

static void
list_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	if (roost_slots_init(ctx, NULL, NULL) == NULL)
		return;
	doveadm_print_header_simple("slot");
	doveadm_print_header_simple("type");
	doveadm_print_header_simple("created");
	doveadm_print_header_simple("detail");
}
ROOST_CMD_DEFINE_INIT(list_cmd_init)

/* What can be told of a slot without a key. */
static const char *
list_detail(const struct roost_slot *slot)
{
	char hex[2 * ROOST_KEY_SIZE + 1];

	switch (slot->type) {
	case ROOST_SLOT_PASSWORD:
		return t_strdup_printf("argon2id t=%u m=%u KiB", slot->t,
				       slot->m_kib);
	case ROOST_SLOT_ESCROW:
		roost_bytes_hex(slot->public_key, ROOST_KEY_SIZE, hex);
		return t_strdup_printf("public key %s", hex);
	default:
		return "";
	}
}

static int
list_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	  struct mail_user *user, const char **error_r)
{
	struct roost_target target;
	const struct roost_keyring *doc;
	unsigned int i;

	if (roost_target_get(&target, ctx, ruser, user, error_r) < 0)
		return -1;
	doc = roost_ring_doc(target.ring);
	for (i = 0; i < doc->slot_count; i++) {
		const struct roost_slot *slot = &doc->slots[i];

		doveadm_print_num(slot->number);
		doveadm_print(roost_slot_type_name(slot->type));
		doveadm_print(t_strfgmtime("%Y-%m-%dT%H:%M:%SZ",
					   (time_t)slot->created));
		doveadm_print(list_detail(slot));
	}
	roost_target_free(&target);
	return 0;
}

static struct doveadm_mail_cmd_context *
list_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx = roost_slots_alloc(list_user);

	ctx->v.init = ROOST_CMD_INIT(list_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_slot_list = {
	.name = "roost slot list",
	.mail_cmd = list_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_TARGET_USAGE,
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("more")
DOVEADM_CMD_PARAMS_END
};

/* -- the group -- */

static void
group_cmd(struct doveadm_cmd_context *cctx)
{
	static const struct doveadm_cmd_ver2 *const commands[] = {
		&roost_cmd_slot_list, &roost_cmd_slot_add,
		&roost_cmd_slot_replace, &roost_cmd_slot_remove,
	};
	unsigned int i;

	doveadm_exit_code = EX_USAGE;
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI)
		return;
	fprintf(stderr, "usage: doveadm [-Dv] [-f <formatter>] "
		"roost slot <command> [<args>]\n");
	for (i = 0; i < N_ELEMENTS(commands); i++)
		fprintf(stderr, "  %s %s\n", commands[i]->name +
			strlen("roost slot "), commands[i]->usage);
	fprintf(stderr, "A slot is what opens a keyring: %s.\n"
		"A secret is read from a file, a descriptor or the terminal, "
		"never from an argument.\n", roost_slots_kinds());
}

/* It is found only where no longer name of a command fits.  2.3 knows no hidden
   commands: its usage text is the line above that of the others there. */
struct doveadm_cmd_ver2 roost_cmd_slot = {
	.name = "roost slot",
	.cmd = group_cmd,
	.usage = "alone tells how to use these:",
	.flags = CMD_FLAG_HIDDEN | CMD_FLAG_NO_PRINT | CMD_FLAG_NO_OPTIONS,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "args", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

/* SPDX-License-Identifier: MIT */
/*
 * imap-hooks: PERMANENTFLAGS of what a client may change.  See imap-hooks.h.
 *
 * Dovecot lists all keywords there or none.  Where a client may change some, a
 * second line follows, which it believes because it is the last: at the end of
 * a synchronization, since IDLE and NOTIFY have no other, and before the tagged
 * line of a command.
 */
#include "flags/imap-hooks.h"

#include "flags/box.h"

#include "imap-common.h"
#include "imap-sync-private.h"
#include "imap-util.h"
#include "module-context.h"

#pragma weak imap_module_register
#pragma weak imap_client_created_hook_set
#pragma weak client_send_line

struct flags_client {
	union imap_module_context module_ctx;
	/* The mailbox that the last line was about, and what it said. */
	const struct mailbox *box;
	unsigned int count;
	bool may_name;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_flags_imap_module,
				  &imap_module_register);
#define FLAGS_CLIENT(client) \
	((struct flags_client *)MODULE_CONTEXT_REQUIRE( \
		client, roost_flags_imap_module))

static struct module *flags_module;
static imap_client_created_func_t *next_created;

/* The names that a client may change.  At the mailbox's limit, one that was
   only asked for and is not kept cannot be set. */
static void
names_settable(struct client *client, const struct roost_flags_box *fbox,
	       bool may_name, ARRAY_TYPE(const_string) *names)
{
	const char *const *name;

	array_foreach(client->keywords.names, name) {
		if (!may_name && !roost_flags_box_keeps(fbox->box, *name))
			continue;
		if (roost_flagrule_may_set(fbox->fuser->rules,
					   ROOST_FLAG_CLIENT, *name))
			array_push_back(names, name);
	}
	array_append_zero(names);
}

static void
send_permanent(struct client *client, const struct mailbox_status *status,
	       const char *const *names)
{
	string_t *str = t_str_new(256);

	str_append(str, "* OK [PERMANENTFLAGS (");
	imap_write_flags(str, status->permanent_flags, names);
	if (status->allow_new_keywords)
		str_append(str, " \\*");
	str_append(str, ")] Flags permitted.");
	client_send_line(client, str_c(str));
}

/* Send the second line, unless Dovecot's own line was right. */
static void
tell(struct client *client, const struct roost_flags_box *fbox, bool is_new,
     bool may_name)
{
	struct mailbox_status status;
	ARRAY_TYPE(const_string) names;

	mailbox_get_open_status(client->mailbox, STATUS_PERMANENT_FLAGS,
				&status);
	t_array_init(&names, 32);
	names_settable(client, fbox, may_name, &names);
	/* Dovecot's line was right if all names may be changed, and the limit
	   was not reached since. */
	if (!status.permanent_keywords ||
	    (array_count(&names) - 1 == array_count(client->keywords.names) &&
	     (is_new || may_name)))
		return;
	send_permanent(client, &status, array_front(&names));
}

static void
client_tell(struct client *client, bool is_selecting)
{
	struct flags_client *fclient = FLAGS_CLIENT(client);
	struct roost_flags_box *fbox = client->mailbox == NULL ? NULL :
		roost_flags_box_get(client->mailbox);
	unsigned int count;
	bool may_name, is_new;

	if (fbox == NULL || client->keywords.names == NULL ||
	    mailbox_is_readonly(client->mailbox))
		return;
	count = array_count(client->keywords.names);
	may_name = roost_flags_box_may_name(fbox);
	is_new = is_selecting || fclient->box != client->mailbox;
	if (!is_new && fclient->count == count &&
	    fclient->may_name == may_name)
		return;
	fclient->box = client->mailbox;
	fclient->count = count;
	fclient->may_name = may_name;
	T_BEGIN {
		tell(client, fbox, is_new, may_name);
	} T_END;
}

static void
flags_send_tagline(struct client_command_context *cmd, const char *data)
{
	struct flags_client *fclient = FLAGS_CLIENT(cmd->client);
	/* What the client sent may be no command, and then has no name. */
	const char *name = cmd->name == NULL ? "" : cmd->name;
	bool is_selecting = strcasecmp(name, "SELECT") == 0 ||
		strcasecmp(name, "EXAMINE") == 0;

	if (cmd->client->mailbox == NULL)
		fclient->box = NULL;
	else if (!is_selecting || strncmp(data, "OK", 2) == 0)
		client_tell(cmd->client, is_selecting);
	fclient->module_ctx.super.send_tagline(cmd, data);
}

static int
flags_sync_notify_more(struct imap_sync_context *ctx)
{
	struct client *client = ctx->client;
	int ret = FLAGS_CLIENT(client)->module_ctx.super.sync_notify_more(ctx);

	/* While a mailbox is selected, the tagged line of SELECT is waited
	   for. */
	if (ret > 0 && !client->disconnected &&
	    FLAGS_CLIENT(client)->box == client->mailbox)
		client_tell(client, FALSE);
	return ret;
}

static void
flags_client_created(struct client **clientp)
{
	struct client *client = *clientp;
	struct flags_client *fclient;

	if (mail_user_is_plugin_loaded(client->user, flags_module)) {
		fclient = p_new(client->pool, struct flags_client, 1);
		fclient->module_ctx.super = client->v;
		client->v.send_tagline = flags_send_tagline;
		client->v.sync_notify_more = flags_sync_notify_more;
		MODULE_CONTEXT_SET(client, roost_flags_imap_module, fclient);
	}
	if (next_created != NULL)
		next_created(clientp);
}

void
roost_flags_imap_init(struct module *module)
{
	flags_module = module;
	if (imap_client_created_hook_set != NULL)
		next_created =
			imap_client_created_hook_set(flags_client_created);
}

void
roost_flags_imap_deinit(void)
{
	if (imap_client_created_hook_set != NULL)
		imap_client_created_hook_set(next_created);
}

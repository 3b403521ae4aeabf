/* SPDX-License-Identifier: MIT */
/*
 * verify: `doveadm roost verify`: is every sealed message whole?
 *
 * With keys every message is opened and read to its end; with --keyless only
 * the digests are compared, which needs no key and is no proof against an
 * attacker.  Nothing is written.
 */
#include "commands.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"

#include "inspect.h"
#include "istream-roost.h"

#include "roost/secret.h"

struct verify_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_keyless;
	bool was_interrupted;
};

/* One mailbox, and what its messages are verified with. */
struct verify_counts {
	bool is_keyless;
	struct roost_ring *ring;
	unsigned int messages, sealed, plaintext, bad;
};

/* One message being looked at. */
struct verify_mail {
	bool is_keyless;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	bool is_sealed;
	enum roost_err err;
	char detail[128];	/* outlives the data stack's frame */
};

static void
verify_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct verify_context *ctx =
		container_of(_ctx, struct verify_context, ctx);

	(void)doveadm_cmd_param_bool(_ctx->cctx, "keyless", &ctx->is_keyless);
	doveadm_print_header_simple("mailbox");
	doveadm_print_header("messages", "messages",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("sealed", "sealed",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("plaintext", "plaintext",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("bad", "bad",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(verify_cmd_init)

/* Open and read all of it. */
static enum roost_err
verify_open(struct istream *stored, struct roost_ring *ring,
	    char *detail_r, size_t detail_size)
{
	struct roost_file_keys keys = { .has_saved = FALSE };
	struct roost_opening *opening;
	const struct roost_header *header;
	const unsigned char *data;
	struct istream *plain;
	size_t size;
	enum roost_err err;

	err = roost_istream_begin(stored, &opening, &header);
	if (err != ROOST_OK)
		return err;
	err = roost_ring_data_key(ring, header, keys.data_key);
	if (err == ROOST_OK)
		err = roost_istream_finish(&opening, &keys, &plain);
	else
		roost_istream_cancel(&opening);
	roost_wipe(&keys, sizeof(keys));
	if (err != ROOST_OK)
		return err;
	while (i_stream_read_more(plain, &data, &size) > 0)
		i_stream_skip(plain, size);
	if (plain->stream_errno != 0) {
		err = ROOST_ERR_CHUNK;
		i_strocpy(detail_r, i_stream_get_error(plain), detail_size);
	}
	i_stream_unref(&plain);
	return err;
}

static void
verify_inspect(void *context, struct istream *stored)
{
	struct verify_mail *vmail = context;

	vmail->is_sealed = roost_inspect_is_claimed(stored);
	if (!vmail->is_sealed)
		vmail->err = ROOST_OK;
	else if (vmail->is_keyless)
		vmail->err = roost_istream_scrub(stored);
	else if (vmail->ring == NULL)
		vmail->err = ROOST_ERR_LOCKED;
	else
		vmail->err = verify_open(stored, vmail->ring,
					 vmail->detail,
					 sizeof(vmail->detail));
}

static void
verify_message(struct mail *mail, struct verify_counts *counts)
{
	struct verify_mail vmail = {
		.is_keyless = counts->is_keyless, .ring = counts->ring,
		.err = ROOST_ERR_IO
	};
	int ret = roost_inspect(mail, verify_inspect, &vmail);

	counts->messages++;
	if (ret >= 0 && vmail.err == ROOST_OK) {
		if (vmail.is_sealed)
			counts->sealed++;
		else
			counts->plaintext++;
		return;
	}
	if (mail->expunged) {
		counts->messages--;
		return;
	}
	counts->bad++;
	e_error(mail_event(mail), "roost: %s; restore it from a backup [%s]",
		ret < 0 ? "the message's file cannot be opened" :
		*vmail.detail != '\0' ? vmail.detail :
		roost_err_phrase(vmail.err), roost_err_name(vmail.err));
}

static int
verify_messages(struct mailbox *box, struct verify_counts *counts)
{
	struct mailbox_transaction_context *trans =
		mailbox_transaction_begin(box, 0, "roost verify");
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_context *search;
	struct mail *mail;
	int ret;

	mail_search_build_add_all(args);
	search = mailbox_search_init(trans, args, NULL, 0, NULL);
	mail_search_args_unref(&args);
	while (!doveadm_is_killed() && mailbox_search_next(search, &mail))
		T_BEGIN {
			verify_message(mail, counts);
		} T_END;
	ret = mailbox_search_deinit(&search);
	mailbox_transaction_rollback(&trans);
	return ret;
}

static void
verify_print(const char *vname, const struct verify_counts *counts)
{
	doveadm_print(vname);
	doveadm_print_num(counts->messages);
	doveadm_print_num(counts->sealed);
	doveadm_print_num(counts->plaintext);
	doveadm_print_num(counts->bad);
}

/* 0 all well; 1 something is bad; -1 the mailbox could not be read. */
static int
verify_mailbox(struct verify_context *ctx, struct mail_namespace *ns,
	       const char *vname, struct roost_ring *ring)
{
	struct mailbox *box = mailbox_alloc(ns->list, vname,
		MAILBOX_FLAG_READONLY | MAILBOX_FLAG_IGNORE_ACLS);
	struct verify_counts counts = {
		.is_keyless = ctx->is_keyless, .ring = ring
	};
	int ret = mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ);

	if (ret == 0)
		ret = verify_messages(box, &counts);
	if (ret < 0) {
		e_error(ns->user->event, "roost: Cannot read mailbox %s: %s",
			vname, mailbox_get_last_internal_error(box, NULL));
		doveadm_mail_failed_mailbox(&ctx->ctx, box);
	}
	mailbox_free(&box);
	verify_print(vname, &counts);
	return ret < 0 ? -1 : counts.bad > 0 ? 1 : 0;
}

/* The keyring of the namespace, unlocked; NULL if there is none. */
static int
verify_ring(struct verify_context *ctx, struct roost_user *ruser,
	    struct mail_namespace *ns, struct roost_ring **ring_r,
	    const char **error_r)
{
	enum roost_err err;
	int ret;

	*ring_r = NULL;
	if (ctx->is_keyless)
		return 0;
	ret = roost_user_ring(ruser, ns, ring_r, error_r);
	if (ret <= 0)
		return ret;
	err = roost_ring_unlock(*ring_r);
	if (err == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("Cannot verify with keys: %s [%s]; "
				   "--keyless compares the digests",
				   roost_err_phrase(err), roost_err_name(err));
	return -1;
}

static int
verify_namespace(struct verify_context *ctx, struct roost_user *ruser,
		 struct mail_namespace *ns, const char **error_r)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct roost_ring *ring;
	bool is_bad = FALSE;

	if (verify_ring(ctx, ruser, ns, &ring, error_r) < 0)
		return -1;
	iter = mailbox_list_iter_init(ns->list, "*", flags);
	while (!doveadm_is_killed() &&
	       (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) != 0)
			continue;
		T_BEGIN {
			if (verify_mailbox(ctx, ns, info->vname, ring) != 0)
				is_bad = TRUE;
		} T_END;
	}
	*error_r = "There are messages that are not whole; each is named above";
	if (mailbox_list_iter_deinit(&iter) < 0) {
		*error_r = "Cannot list the mailboxes";
		is_bad = TRUE;
	}
	if (doveadm_is_killed()) {
		*error_r = "Interrupted before every message was seen";
		is_bad = TRUE;
	}
	return is_bad ? -1 : 0;
}

static int
verify_cmd_run(struct doveadm_mail_cmd_context *_ctx, struct mail_user *user)
{
	struct verify_context *ctx =
		container_of(_ctx, struct verify_context, ctx);
	const char *error, *ns_error;
	struct roost_user *ruser = roost_user_new(user, &error);
	struct mail_namespace *ns;
	int ret = 0;

	if (ruser == NULL)
		return roost_cmd_fail(_ctx, user, error);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->alias_for != NULL ||
		    (ns->storage->class_flags &
		     MAIL_STORAGE_CLASS_FLAG_BINARY_DATA) == 0)
			continue;
		if (verify_namespace(ctx, ruser, ns, &ns_error) < 0) {
			error = ns_error;
			ret = -1;
		}
	}
	roost_user_free(&ruser);
	return ret < 0 ? roost_cmd_fail(_ctx, user, error) : 0;
}

static struct doveadm_mail_cmd_context *
verify_cmd_alloc(void)
{
	struct verify_context *ctx =
		doveadm_mail_cmd_alloc(struct verify_context);

	roost_cmd_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(verify_cmd_init);
	ctx->ctx.v.run = verify_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_verify = {
	.name = "roost verify",
	.mail_cmd = verify_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-k|--keyless]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('k', "keyless", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

/* SPDX-License-Identifier: MIT */
/*
 * mail-verify: `doveadm roost verify`: is every sealed message whole, and is
 * every message sealed that has to be?
 *
 * With keys every message is opened and read to its end; with --keyless only
 * the digests are compared, which needs no key and is no proof against an
 * attacker.  With keys the sizes on record are compared, too, with what a
 * reader is shown.  Nothing is written, but that reading a message drops a
 * wrong record from the index.
 */
#include "doveadm/commands.h"

#include "session/named-object.h"
#include "session/inspect.h"
#include "stream/istream-roost.h"
#include "stream/measure.h"
#include "doveadm/walk.h"
#include "session/storage.h"

#include "roost/secret.h"

struct verify_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_keyless;
};

/* What the messages of a namespace are verified with. */
struct verify_run {
	bool is_keyless;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	bool is_bad;			/* a message is not whole */
	unsigned int plaintext;		/* messages of all mailboxes */
	/* Of the mailbox at hand. */
	struct {
		unsigned int messages, sealed, plaintext, bad;
	} box;
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

/*
 * Ask for the sizes as a client does, then read what it is shown.  The error,
 * or NULL.
 */
static const char *
verify_read(struct mail *mail, struct roost_measure *told,
	    struct roost_measure *shown)
{
	struct istream *input;

	/* Before the message is opened: that would put them right. */
	if (mail_get_virtual_size(mail, &told->virtual) < 0 ||
	    mail_get_physical_size(mail, &told->physical) < 0 ||
	    mail_get_stream_because(mail, NULL, NULL, "roost verify",
				    &input) < 0)
		return mailbox_get_last_internal_error(mail->box, NULL);
	/* Where doveadm has no mail plugin, or not the one that unpacks, there
	   is nothing to compare with. */
	*shown = *told;
	if (roost_inspect_is_claimed(input) ||
	    roost_measure_is_packed(input) ||
	    roost_measure_count(input, shown))
		return NULL;
	return i_stream_get_error(input);
}

/* 0 or -1. */
static int
verify_sizes(struct mail *mail)
{
	struct roost_measure told, shown;
	const char *error = verify_read(mail, &told, &shown);

	if (mail->expunged)
		return -1;
	if (error != NULL) {
		e_error(mail_event(mail), "roost: the message is whole, but "
			"cannot be read: %s", error);
		return -1;
	}
	/* No client sees the physical size that a dbox file says itself, and
	   opening the message tells core the right one. */
	if (told.virtual == shown.virtual &&
	    (roost_storage_is_dbox(mail->box->storage) ||
	     told.physical == shown.physical))
		return 0;
	e_error(mail_event(mail), "roost: its size on record is %llu (%llu as "
		"clients count it), but it has %llu (%llu) [size]; once it is "
		"read, that is put right: doveadm fetch text mailbox %s uid %u",
		(unsigned long long)told.physical,
		(unsigned long long)told.virtual,
		(unsigned long long)shown.physical,
		(unsigned long long)shown.virtual,
		mailbox_get_vname(mail->box), mail->uid);
	return -1;
}

/* A message that can be had: sealed and whole, or plaintext in nobody's
   place.  FALSE: it is logged. */
static bool
verify_good(struct mail *mail, const struct verify_mail *vmail,
	    struct verify_run *run)
{
	if (vmail->is_sealed) {
		if (!run->is_keyless && verify_sizes(mail) < 0)
			return FALSE;
		run->box.sealed++;
		return TRUE;
	}
	if (!roost_named_object_is_there(mail)) {
		run->box.plaintext++;
		return TRUE;
	}
	e_error(mail_event(mail), "roost: It is plaintext, but the index cache "
		"knows it as a sealed message: it was put in its place; "
		"restore it from a backup [unsealed]");
	return FALSE;
}

static void
verify_message(struct mail *mail, void *context)
{
	struct verify_run *run = context;
	struct verify_mail vmail = {
		.is_keyless = run->is_keyless, .ring = run->ring,
		.err = ROOST_ERR_IO
	};
	int ret = roost_inspect(mail, verify_inspect, &vmail);
	bool is_whole = ret >= 0 && vmail.err == ROOST_OK;

	if (!is_whole && mail->expunged)
		return;
	run->box.messages++;
	if (is_whole && verify_good(mail, &vmail, run))
		return;
	if (mail->expunged) {
		run->box.messages--;
		return;
	}
	run->box.bad++;
	if (is_whole)
		return;
	e_error(mail_event(mail), "roost: %s; restore it from a backup [%s]",
		ret < 0 ? "the message's file cannot be opened" :
		*vmail.detail != '\0' ? vmail.detail :
		roost_err_phrase(vmail.err), roost_err_name(vmail.err));
}

static void
verify_begin(struct mailbox *box ATTR_UNUSED, void *context)
{
	struct verify_run *run = context;

	i_zero(&run->box);
}

static void
verify_end(struct mailbox *box, void *context)
{
	struct verify_run *run = context;

	doveadm_print(mailbox_get_vname(box));
	doveadm_print_num(run->box.messages);
	doveadm_print_num(run->box.sealed);
	doveadm_print_num(run->box.plaintext);
	doveadm_print_num(run->box.bad);
	run->plaintext += run->box.plaintext;
	run->is_bad = run->is_bad || run->box.bad > 0;
}

/* The keyring of the namespace, unlocked; NULL if there is none.  Without keys
   it only tells the policy, if it can. */
static int
verify_ring(struct verify_context *ctx, struct roost_user *ruser,
	    struct mail_namespace *ns, struct roost_ring **ring_r,
	    const char **error_r)
{
	enum roost_err err;
	int ret;

	*ring_r = NULL;
	ret = roost_user_ring(ruser, ns, ring_r, error_r);
	if (ctx->is_keyless)
		return 0;
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

/* Does plaintext have to be sealed there? */
static bool
verify_is_sealed(struct roost_user *ruser, struct mail_namespace *ns,
		 const struct roost_ring *ring)
{
	const struct roost_config *config;
	const char *error;

	if (ring != NULL)
		return roost_ring_policy(ring) == ROOST_POLICY_SEALED;
	return roost_user_namespace_config(ruser, ns, &config, &error) == 0 &&
		config->has_policy && config->policy == ROOST_POLICY_SEALED;
}

static int
verify_result(struct roost_user *ruser, struct mail_namespace *ns,
	      const struct verify_run *run, const char **error_r)
{
	if (run->is_bad)
		*error_r = "There are messages that are not whole; each is "
			"named above";
	else if (run->plaintext > 0 &&
		 verify_is_sealed(ruser, ns, run->ring))
		*error_r = t_strdup_printf("%u messages are not sealed, "
			"though the policy is sealed: remove them, or see "
			"doveadm roost policy", run->plaintext);
	else
		return 0;
	return -1;
}

static int
verify_namespace(struct verify_context *ctx, struct roost_user *ruser,
		 struct mail_namespace *ns, const char **error_r)
{
	struct verify_run run = { .is_keyless = ctx->is_keyless };
	const struct roost_walk walk = {
		.ctx = &ctx->ctx, .reason = "roost verify", .context = &run,
		.begin = verify_begin, .message = verify_message,
		.end = verify_end,
	};

	if (verify_ring(ctx, ruser, ns, &run.ring, error_r) < 0 ||
	    roost_walk_namespace(&walk, ns, error_r) < 0)
		return -1;
	return verify_result(ruser, ns, &run, error_r);
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
		return roost_command_fail(_ctx, user, error);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (!roost_walk_is_storing(ns))
			continue;
		if (verify_namespace(ctx, ruser, ns, &ns_error) < 0) {
			error = ns_error;
			ret = -1;
		}
	}
	roost_user_free(&ruser);
	return ret < 0 ? roost_command_fail(_ctx, user, error) : 0;
}

static struct doveadm_mail_cmd_context *
verify_cmd_alloc(void)
{
	struct verify_context *ctx =
		doveadm_mail_cmd_alloc(struct verify_context);

	roost_command_accept_params(&ctx->ctx);
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

/* SPDX-License-Identifier: MIT */
/*
 * seal-finish: policy, names and caches, once all is sealed.  See
 * seal-finish.h.
 */
#include "doveadm/seal-finish.h"

#include "mail-cache-private.h"
#include "mail-index-alloc-cache.h"

#include "rewrite/names.h"
#include "rewrite/rewrite.h"
#include "session/old-forms.h"

struct finish {
	struct doveadm_mail_cmd_context *ctx;
	struct roost_user *ruser;
	struct mail_user *user;
};

static int
finish_fail(const struct finish *finish, const struct mailbox *box,
	    const char *what, const char *error)
{
	return roost_command_fail(finish->ctx, finish->user,
		t_strdup_printf("In mailbox %s %s: %s", mailbox_get_vname(box),
				what, error));
}

/* From now on plaintext is refused, so that none can be added unseen. */
static int
finish_policy(const struct finish *finish, struct mail_namespace *ns,
	      struct roost_ring **ring_r, const char **error_r)
{
	int ret = roost_user_ring(finish->ruser, ns, ring_r, error_r);

	if (ret == 0)
		*error_r = "there is no keyring";
	if (ret <= 0)
		return -1;
	ret = roost_command_set_policy(finish->ruser, ns, *ring_r,
				       ROOST_POLICY_SEALED, error_r);
	if (ret > 0)
		e_info(finish->user->event, "roost: The policy is sealed from "
		       "now on");
	return ret < 0 ? -1 : 0;
}

static int
finish_cache(struct mailbox *box, const char **error_r)
{
	/* Purging what is not there would make it. */
	int ret = mail_cache_open_and_verify(box->cache);

	if (ret > 0)
		ret = mail_cache_purge(box->cache, UINT32_MAX,
				       "doveadm roost seal --finish");
	if (ret >= 0)
		return 0;
	mailbox_set_index_error(box);
	*error_r = t_strdup(mailbox_get_last_internal_error(box, NULL));
	return -1;
}

/* What is no message yet, or none any more, is not touched. */
static void
finish_tell_spare(const struct finish *finish, struct mailbox *box)
{
	unsigned int count = roost_rewrite_count_spare(box);

	if (count > 0)
		e_warning(finish->user->event, "roost: In mailbox %s are %u "
			  "files that are no messages, and may hold some in "
			  "clear: Dovecot removes temporary ones when they are "
			  "36 hours old, and doveadm force-resync makes "
			  "messages of others; then run it again",
			  mailbox_get_vname(box), count);
}

static int
finish_mailbox(struct mailbox *box, void *context)
{
	const struct finish *finish = context;
	struct roost_ring *ring;
	const char *error;
	int ret;

	if (finish_policy(finish, mailbox_get_namespace(box), &ring,
			  &error) < 0)
		return finish_fail(finish, box, "the policy stays", error);
	finish_tell_spare(finish, box);
	if (finish_cache(box, &error) < 0)
		return finish_fail(finish, box, "the index cache stays",
				   error);
	ret = roost_rewrite_names(box, roost_ring_token_key(ring),
				  roost_user_config(finish->ruser)->keywords,
				  &error);
	if (ret < 0)
		return finish_fail(finish, box, "names of keywords stay",
				   error);
	if (roost_old_forms_end(box, TRUE) < 0)
		return finish_fail(finish, box, "the map stays",
			mailbox_get_last_internal_error(box, NULL));
	return 0;
}

int
roost_seal_finish(struct doveadm_mail_cmd_context *ctx,
		  struct roost_user *ruser, struct mail_user *user,
		  const struct roost_masks *masks, const char **error_r)
{
	struct finish finish = { .ctx = ctx, .ruser = ruser, .user = user };
	const struct roost_walk walk = {
		.ctx = ctx, .visit = finish_mailbox, .context = &finish,
	};
	int ret = roost_walk_masks(&walk, user, masks);

	/* This process has read the names as they were. */
	mail_index_alloc_cache_destroy_unrefed();
	if (ret < 0)
		*error_r = "Not everything was taken away that stands in "
			"clear beside the messages; run it again";
	return ret;
}

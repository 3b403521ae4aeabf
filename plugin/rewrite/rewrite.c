/* SPDX-License-Identifier: MIT */
/*
 * rewrite: look at a message, and have it put into its new form if it has to
 * be.  See rewrite.h.
 *
 * All of it is done while the storage opens the message's file, because that
 * then stays open, and is read once.
 */
#include "rewrite/rewrite.h"

#include "seq-range-array.h"

#include "dovecot/event.h"
#include "dovecot/report.h"
#include "rewrite/known.h"
#include "rewrite/links.h"
#include "rewrite/place.h"
#include "session/inspect.h"
#include "session/named-object.h"

#include "stream/istream-roost.h"

#include "roost/bytes.h"

/* How often a message is looked at that others rewrite meanwhile. */
#define LOOKS_MAX 3

static const struct roost_rewrite_place *const places[] = {
	&roost_rewrite_maildir, &roost_rewrite_sdbox, &roost_rewrite_mdbox,
};

struct roost_rewrite {
	enum roost_rewrite_plan plan;
	struct roost_user *ruser;
	struct roost_ring *ring;
	struct roost_rewrite_links *links;
	/* Of the mailbox that is open. */
	struct mailbox *box;
	const struct roost_rewrite_place *place;
	void *context;
	/* A second one of the same, to read what was rewritten. */
	struct mailbox *read_box;
	struct mailbox_transaction_context *read_trans;
	struct mail *read_mail;
	struct roost_event_draft *drafts;
	ARRAY_TYPE(seq_range) later;	/* UIDs, to be looked at in the end */
	struct roost_rewrite_undone undone;
};

/* A message that is looked at. */
struct look {
	struct roost_rewrite *run;
	struct mail *mail;
	bool is_crypted, is_placed, is_unlike, was_unlike;
	enum roost_rewrite_result result;
	enum roost_rewrite_placed placed;	/* if is_placed */
	char *reason;
};

/* -- a run -- */

static int
check_enable(const struct roost_config *config, enum roost_rewrite_plan plan,
	     const char **error_r)
{
	if (config->enable == ROOST_ENABLE_YES ||
	    (plan == ROOST_REWRITE_UNSEAL &&
	     config->enable == ROOST_ENABLE_READ_ONLY))
		return 0;
	*error_r = plan == ROOST_REWRITE_UNSEAL ?
		"roost_enable is no for this user, so that nothing can be "
		"opened" :
		"roost_enable must be yes for this user, or nothing is "
		"sealed";
	return -1;
}

/* Can the keyring do what is planned?  What is sealed already has to be opened,
   for which a secret is needed. */
static int
check_ring(struct roost_ring *ring, enum roost_rewrite_plan plan,
	   const char **error_r)
{
	enum roost_err err;

	if (plan == ROOST_REWRITE_SEAL)
		return roost_ring_check_seal(ring, error_r);
	err = roost_ring_unlock(ring);
	if (err == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("The keyring cannot be opened: %s [%s]",
				   roost_err_phrase(err),
				   roost_err_name(err));
	return -1;
}

struct roost_rewrite *
roost_rewrite_begin(struct roost_user *ruser, struct mail_namespace *ns,
		    enum roost_rewrite_plan plan, const char **error_r)
{
	struct roost_rewrite *run;
	struct roost_ring *ring;
	int ret;

	if (check_enable(roost_user_config(ruser), plan, error_r) < 0)
		return NULL;
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret == 0)
		*error_r = "There is no keyring: make it with doveadm roost "
			"init";
	if (ret <= 0 || check_ring(ring, plan, error_r) < 0)
		return NULL;
	run = i_new(struct roost_rewrite, 1);
	run->plan = plan;
	run->ruser = ruser;
	run->ring = ring;
	run->links = roost_rewrite_links_new();
	i_array_init(&run->undone.uids, 16);
	return run;
}

void
roost_rewrite_end(struct roost_rewrite **_run)
{
	struct roost_rewrite *run = *_run;

	*_run = NULL;
	if (run == NULL)
		return;
	i_assert(run->box == NULL);
	array_free(&run->undone.uids);
	i_free(run->undone.reason);
	roost_rewrite_links_free(&run->links);
	i_free(run);
}

/* -- a mailbox -- */

static const struct roost_rewrite_place *
place_of(const struct mailbox *box)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(places); i++) {
		if (strcmp(places[i]->storage, box->storage->name) == 0)
			return places[i];
	}
	return NULL;
}

int
roost_rewrite_open_box(struct roost_rewrite *run, struct mailbox *box,
		       const char **error_r)
{
	run->place = place_of(box);
	if (run->place == NULL) {
		*error_r = t_strdup_printf("messages in %s storage cannot be "
					   "rewritten", box->storage->name);
		return -1;
	}
	array_clear(&run->undone.uids);
	if (run->place->begin(box, &run->undone, &run->context, error_r) < 0)
		return -1;
	run->box = box;
	i_array_init(&run->later, 16);
	return 0;
}

static void
read_box_close(struct roost_rewrite *run)
{
	if (run->read_mail != NULL)
		mail_free(&run->read_mail);
	/* What it adds is made anew by who needs it. */
	if (run->read_trans != NULL)
		(void)mailbox_transaction_commit(&run->read_trans);
	if (run->read_box != NULL)
		mailbox_free(&run->read_box);
}

/* -- the sealed index cache -- */

/*
 * A mailbox of its own, because mail_crypt remembers for a mailbox what it has
 * decrypted last, and would show that in the place of the sealed message.
 */
static bool
read_box_open(struct roost_rewrite *run)
{
	if (run->read_box != NULL)
		return run->read_mail != NULL;
	run->read_box = mailbox_alloc(run->box->list,
				      mailbox_get_vname(run->box),
				      MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_sync(run->read_box, 0) < 0)
		return FALSE;
	run->read_trans = mailbox_transaction_begin(run->read_box, 0,
						    "roost rewrite");
	run->read_mail = mail_alloc(run->read_trans,
				    MAIL_FETCH_IMAP_BODYSTRUCTURE |
				    MAIL_FETCH_BODY_SNIPPET, NULL);
	return TRUE;
}

/* Ask for what a client's list asks for, so that the index cache gets it.  What
   fails here is tried again by the first client. */
static void
fill_cache(struct roost_rewrite *run, uint32_t uid)
{
	const char *value;

	if (!read_box_open(run) ||
	    mail_index_refresh(run->read_box->index) < 0 ||
	    !mail_set_uid(run->read_mail, uid))
		return;
	(void)mail_get_special(run->read_mail, MAIL_FETCH_IMAP_BODYSTRUCTURE,
			       &value);
}

/*
 * A session that opened a message before it was unsealed may have written into
 * the index cache since then that it is sealed.  The mark has the plaintext
 * served all the same, as long as the index is not made anew.  Without the
 * mark, another run has sealed the message again since, and its name is right.
 */
static void
unsealed_forget(struct roost_rewrite *run, uint32_t uid)
{
	static const uint8_t none[ROOST_ID_SIZE];
	const char *error;

	if (!mail_set_uid(run->read_mail, uid) ||
	    !roost_named_object_is_there(run->read_mail) ||
	    roost_named_object_forbids_plaintext(run->read_mail) ||
	    mail_index_lock_sync(run->box->index, "roost rewrite") < 0)
		return;
	if (roost_rewrite_known_drop(run->box, uid, TRUE, 0, &error) < 0)
		e_error(run->box->event, "roost: What the index cache knows "
			"of UID %u cannot be dropped: %s", uid, error);
	else
		roost_rewrite_known_name(run->box, uid, none);
	mail_index_unlock(run->box->index, "roost rewrite");
}

/* All messages are in their places, and the last lock was let go. */
static void
look_at_later(struct roost_rewrite *run)
{
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t uid;

	if (array_count(&run->later) == 0 || !read_box_open(run) ||
	    mail_index_refresh(run->box->index) < 0)
		return;
	seq_range_array_iter_init(&iter, &run->later);
	while (seq_range_array_iter_nth(&iter, n++, &uid)) T_BEGIN {
		if (run->plan == ROOST_REWRITE_UNSEAL)
			unsealed_forget(run, uid);
		else
			fill_cache(run, uid);
	} T_END;
}

int
roost_rewrite_close_box(struct roost_rewrite *run, const char **error_r)
{
	int ret;

	if (run->box == NULL)
		return 0;
	ret = run->place->end(run->box, run->context, error_r);
	seq_range_array_remove_seq_range(&run->later, &run->undone.uids);
	look_at_later(run);
	array_free(&run->later);
	read_box_close(run);
	roost_event_free(&run->drafts);
	run->box = NULL;
	return ret;
}

const ARRAY_TYPE(seq_range) *
roost_rewrite_undone(const struct roost_rewrite *run, const char **reason_r)
{
	*reason_r = run->undone.reason;
	return &run->undone.uids;
}

int
roost_rewrite_pause(struct roost_rewrite *run, unsigned int msecs,
		    const char **error_r)
{
	return run->place->rest == NULL ? 0 :
		run->place->rest(run->context, msecs, error_r);
}

/* -- a message -- */

/* Keep a reason, which may stand on the data stack of the storage's call. */
static void
look_reason(struct look *look, const char *reason)
{
	char *kept = i_strdup(reason);

	i_free(look->reason);
	look->reason = kept;
}

static void
look_decide(struct look *look, enum roost_rewrite_result result,
	    const char *reason)
{
	look->result = result;
	look_reason(look, reason);
}

static void
look_put(struct look *look, struct istream *stored, struct istream *source)
{
	struct roost_rewrite *run = look->run;
	struct roost_rewrite_form form = {
		.mail = look->mail,
		.stored = stored,
		.source = source,
		.plan = run->plan,
		.ruser = run->ruser,
		.ring = run->ring,
		.links = run->links,
	};
	const char *reason = "";

	look->is_placed = TRUE;
	look->placed = run->place->put(&form, run->context, &reason);
	look_reason(look, reason);
}

/* Was this plaintext put in the place of a sealed message?  Another run may
   have sealed it since the storage opened the file, so that the first time it
   is looked at once more. */
static bool
look_is_exchanged(struct look *look)
{
	if (!roost_named_object_forbids_plaintext(look->mail))
		return FALSE;
	look->is_unlike = !look->was_unlike;
	look->was_unlike = TRUE;
	look_decide(look, ROOST_REWRITE_LEFT, "it is plaintext, but the index "
		    "cache knows it as a sealed message: it was put in its "
		    "place; restore it from a backup [unsealed]");
	return TRUE;
}

/* May a message that is plaintext be sealed?  Not where Roost refuses to show
   it, because nobody knows who has put it there. */
static bool
look_may_seal(struct look *look)
{
	struct roost_rewrite *run = look->run;
	const char *error;

	if (look_is_exchanged(look))
		return FALSE;
	/* The policy may be another one since the run began. */
	if (roost_user_renew_ring(run->ruser, run->ring, &error) < 0) {
		look_decide(look, ROOST_REWRITE_LEFT, error);
		return FALSE;
	}
	if (roost_ring_policy(run->ring) != ROOST_POLICY_SEALED)
		return TRUE;
	look_decide(look, ROOST_REWRITE_LEFT, "it is plaintext, but the "
		    "policy is sealed: if it is the owner's, set the policy "
		    "to open with doveadm roost policy, and run this again");
	return FALSE;
}

static void
look_seal(struct look *look, struct istream *stored)
{
	if (roost_inspect_is_claimed(stored)) {
		look_decide(look, ROOST_REWRITE_ALREADY, NULL);
		return;
	}
	if (!look_may_seal(look))
		return;
	look->is_crypted = roost_inspect_is_crypted(stored);
	if (!look->is_crypted)
		look_put(look, stored, stored);
}

/* Is it sealed to the newest epoch of the keyring? */
static bool
is_newest(const struct roost_header *header,
	  const struct roost_seal_key *newest)
{
	unsigned int i;

	for (i = 0; i < header->stanza_count; i++) {
		if (roost_bytes_equal(header->stanzas[i].key_id,
				      newest->key_id, ROOST_KEY_ID_SIZE))
			return TRUE;
	}
	return FALSE;
}

static void
look_reseal(struct look *look, struct istream *stored)
{
	struct roost_rewrite *run = look->run;
	struct roost_opening *opening;
	const struct roost_header *header;
	enum roost_err err;
	bool is_done;

	if (!roost_inspect_is_claimed(stored)) {
		look_decide(look, ROOST_REWRITE_LEFT, "it is not sealed");
		return;
	}
	err = roost_istream_begin(stored, &opening, &header);
	if (err != ROOST_OK) {
		look_decide(look, ROOST_REWRITE_LEFT, t_strdup_printf(
			"%s [%s]", roost_err_phrase(err),
			roost_err_name(err)));
		return;
	}
	is_done = is_newest(header, roost_ring_seal_key(run->ring));
	roost_istream_cancel(&opening);
	if (is_done)
		look_decide(look, ROOST_REWRITE_ALREADY, NULL);
	else
		look_put(look, stored, NULL);
}

static void
look_unseal(struct look *look, struct istream *stored)
{
	if (roost_inspect_is_claimed(stored))
		look_put(look, stored, NULL);
	else if (!look_is_exchanged(look))
		look_decide(look, ROOST_REWRITE_ALREADY, NULL);
}

static void
look_stored(void *context, struct istream *stored)
{
	struct look *look = context;

	switch (look->run->plan) {
	case ROOST_REWRITE_SEAL:
		look_seal(look, stored);
		break;
	case ROOST_REWRITE_RESEAL:
		look_reseal(look, stored);
		break;
	case ROOST_REWRITE_UNSEAL:
		look_unseal(look, stored);
		break;
	}
}

static void
look_decrypted(void *context, struct istream *stored,
	       struct istream *decrypted)
{
	struct look *look = context;

	if (roost_inspect_is_crypted(decrypted))
		look_decide(look, ROOST_REWRITE_LEFT, "it is encrypted by "
			    "mail_crypt, which is not loaded for doveadm, or "
			    "not set up");
	else
		look_put(look, stored, decrypted);
}

/* Have mail_crypt read the file. */
static void
look_crypted(struct look *look)
{
	const char *error = "";

	if (roost_inspect_decrypted(look->mail, look_decrypted, look,
				    &error) <= 0)
		look_decide(look, ROOST_REWRITE_LEFT, t_strdup_printf(
			"mail_crypt cannot open it: %s", error));
}

static enum roost_rewrite_result
look_result(struct look *look)
{
	switch (look->placed) {
	case ROOST_REWRITE_PLACED:
		return ROOST_REWRITE_DONE;
	case ROOST_REWRITE_PLACE_GONE:
		return ROOST_REWRITE_GONE;
	case ROOST_REWRITE_PLACE_OTHER:
		look_reason(look, "it was changed again and again meanwhile");
		return ROOST_REWRITE_LEFT;
	case ROOST_REWRITE_PLACE_FAILED:
		return ROOST_REWRITE_LEFT;
	case ROOST_REWRITE_PLACE_FULL:
		return ROOST_REWRITE_STOP;
	}
	i_unreached();
}

static void
look_once(struct look *look)
{
	look->is_placed = look->is_crypted = look->is_unlike = FALSE;
	look_decide(look, ROOST_REWRITE_LEFT, "its file cannot be opened");
	if (roost_inspect(look->mail, look_stored, look) > 0 &&
	    look->is_crypted)
		look_crypted(look);
	if (look->is_placed)
		look->result = look_result(look);
	else if (look->mail->expunged)
		look->result = ROOST_REWRITE_GONE;
}

/* Can the message be read to its end, by who opens it now? */
static int
message_is_whole(struct roost_rewrite *run, uint32_t uid, const char **error_r)
{
	struct istream *input;
	const unsigned char *data;
	size_t size;

	if (!read_box_open(run) ||
	    mail_index_refresh(run->read_box->index) < 0 ||
	    !mail_set_uid(run->read_mail, uid) ||
	    mail_get_stream(run->read_mail, NULL, NULL, &input) < 0) {
		*error_r = "the message cannot be read";
		return -1;
	}
	while (i_stream_read_more(input, &data, &size) > 0)
		i_stream_skip(input, size);
	if (input->stream_errno == 0)
		return 0;
	*error_r = t_strdup(i_stream_get_error(input));
	return -1;
}

/* The message has its form; there may be another file of it that has not. */
static void
look_tidy(struct look *look, uint32_t uid)
{
	struct roost_rewrite *run = look->run;
	const char *error = "";

	if ((look->result != ROOST_REWRITE_DONE &&
	     look->result != ROOST_REWRITE_ALREADY) ||
	    run->place->tidy == NULL ||
	    run->place->tidy(run->box, uid, message_is_whole, run,
			     &error) == 0)
		return;
	look_decide(look, ROOST_REWRITE_LEFT, t_strdup_printf(
		"there is another file of it, which stays: %s", error));
}

unsigned int
roost_rewrite_count_spare(struct mailbox *box)
{
	const struct roost_rewrite_place *place = place_of(box);

	return place == NULL || place->count_spare == NULL ? 0 :
		place->count_spare(box);
}

/* The event that saving a message sends as well (mail/watch.h). */
static void
tell_sealed(struct roost_rewrite *run, uint32_t uid)
{
	const struct roost_event said = {
		.name = "roost_sealed", .category = &roost_report_category,
		.mailbox = mailbox_get_vname(run->box), .uid = uid,
	};

	roost_event_send(&run->drafts, run->box->event, &said);
}

static void
note_done(struct roost_rewrite *run, uint32_t uid)
{
	if (run->plan != ROOST_REWRITE_UNSEAL)
		tell_sealed(run, uid);
	if (run->plan == ROOST_REWRITE_UNSEAL || run->place->is_late)
		seq_range_array_add(&run->later, uid);
	else
		fill_cache(run, uid);
}

enum roost_rewrite_result
roost_rewrite_message(struct roost_rewrite *run, struct mail *mail,
		      const char **reason_r)
{
	struct look look = { .run = run, .mail = mail };
	unsigned int i = 0;

	if (roost_rewrite_pause(run, 0, reason_r) < 0)
		return ROOST_REWRITE_STOP;
	do {
		look_once(&look);
	} while (++i < LOOKS_MAX &&
		 (look.is_unlike || (look.is_placed && look.placed ==
				     ROOST_REWRITE_PLACE_OTHER)));
	if (look.result == ROOST_REWRITE_DONE)
		note_done(run, mail->uid);
	look_tidy(&look, mail->uid);
	*reason_r = t_strdup(look.reason);
	i_free(look.reason);
	return look.result;
}

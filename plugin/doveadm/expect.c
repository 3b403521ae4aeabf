/* SPDX-License-Identifier: MIT */
/*
 * expect: the state that a server is held to.  See expect.h.
 */
#include "doveadm/expect.h"

#include "ioloop.h"
#include "seq-range-array.h"
#include "time-util.h"

#include "doveadm/count.h"
#include "doveadm/doctor-user.h"
#include "doveadm/walk.h"
#include "session/inspect.h"

#define SINCE_DEFAULT "1 day"
#define RANGES_MAX 20
/* Names of files that begin with such a number begin with a time. */
#define NAME_TIME_MIN 100000000U
#define DAY_SECS (24 * 60 * 60)

struct expect_run {
	const struct roost_expect *expect;
	struct roost_findings *findings;
	struct doveadm_mail_cmd_context *ctx;
	struct roost_user *ruser;
	struct mail_user *user;
	ARRAY_TYPE(seq_range) plain;	/* UIDs of the mailbox being read */
	bool is_unread;			/* some could not be looked at */
};

/* -- parameters -- */

static const char *
read_since(struct roost_expect *expect, const struct doveadm_cmd_context *cctx)
{
	const char *text = SINCE_DEFAULT, *error;
	unsigned int secs;

	if (doveadm_cmd_param_str(cctx, "since", &text) && !expect->is_sealed)
		return "--since is for --expect sealed";
	if (roost_parse_time(text, &secs, &error) < 0)
		return t_strdup_printf("--since takes a period, such as 2 "
				       "hours or 1 day: %s", error);
	expect->since = ioloop_time - (time_t)secs;
	return NULL;
}

const char *
roost_expect_read(struct roost_expect *expect_r,
		  const struct doveadm_cmd_context *cctx, bool has_users)
{
	const char *what = "";

	i_zero(expect_r);
	expect_r->is_loaded = doveadm_cmd_param_str(cctx, "expect", &what);
	expect_r->is_sealed = strcmp(what, "sealed") == 0;
	if (expect_r->is_loaded && !expect_r->is_sealed &&
	    strcmp(what, "loaded") != 0)
		return "--expect takes loaded or sealed";
	if (expect_r->is_sealed && !has_users)
		return "--expect sealed is about users' mail: add -u <user> "
			"or -A";
	return read_since(expect_r, cctx);
}

/* -- what is told -- */

static void
tell(const struct expect_run *run, enum roost_severity severity,
     const char *name, const char *where, const char *what, const char *why,
     const char *mend)
{
	const struct roost_finding finding = {
		.severity = severity, .name = name, .where = where,
		.what = what, .why = why, .mend = mend,
	};

	roost_finding_add(run->findings, &finding);
}

static const char *
user_where(const struct expect_run *run)
{
	return t_strconcat("user ", run->user->username, NULL);
}

/* UIDs as IMAP writes them, the first of many. */
static const char *
uids_text(const ARRAY_TYPE(seq_range) *uids)
{
	const struct seq_range *range;
	string_t *str = t_str_new(64);
	unsigned int count = 0;

	array_foreach(uids, range) {
		if (count++ == RANGES_MAX) {
			str_append(str, " and more");
			break;
		}
		str_printfa(str, "%s%u", count == 1 ? "" : ",", range->seq1);
		if (range->seq2 > range->seq1)
			str_printfa(str, ":%u", range->seq2);
	}
	return str_c(str);
}

/* The user has chosen the name, and root may take it into a shell. */
static const char *
shell_word(const char *text)
{
	string_t *str = t_str_new(64);

	str_append_c(str, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			str_append(str, "'\\'");
		str_append_c(str, *text);
	}
	str_append_c(str, '\'');
	return str_c(str);
}

/* What seals them.  Where the policy is sealed somebody has to say that they
   are the user's own. */
static const char *
mend_plain(const struct expect_run *run, const char *vname)
{
	const char *user = run->user->username, *box = shell_word(vname);
	const char *error, *seal = t_strdup_printf(
		"doveadm roost seal -u %s %s", user, box);
	struct roost_ring *ring;
	int ret = roost_user_ring(run->ruser,
				  roost_command_namespace(run->user), &ring,
				  &error);

	if (ret < 0)
		return t_strdup_printf("doveadm roost status -u %s: %s", user,
				       error);
	if (strpbrk(vname, "*%?") != NULL)
		return "rename the mailbox, since commands take its name for "
			"a pattern of many, and look again";
	if (ret == 0)
		return t_strdup_printf("doveadm roost init -u %s && %s", user,
				       seal);
	if (roost_ring_policy(ring) != ROOST_POLICY_SEALED)
		return seal;
	return t_strdup_printf("for messages that are %s's own: doveadm roost "
		"policy -u %s open && %s && doveadm roost policy -u %s "
		"sealed; else: doveadm expunge -u %s mailbox %s uid %s",
		user, user, seal, user, user, box, uids_text(&run->plain));
}

static void
tell_plain(const struct expect_run *run, const struct mailbox *box)
{
	const char *vname = mailbox_get_vname(box);

	tell(run, ROOST_SEVERITY_ERROR, "not-sealed",
	     t_strdup_printf("%s, mailbox %s", user_where(run), vname),
	     t_strdup_printf("%u messages that were saved since %s are not "
			     "sealed: UID %s", seq_range_count(&run->plain),
			     t_strflocaltime("%Y-%m-%d %H:%M:%S",
					     run->expect->since),
			     uids_text(&run->plain)),
	     "they lie on the disk in clear: what saved them did not have "
	     "Roost loaded, or is not Dovecot (doveadm roost doctor looks for "
	     "the first, Dovecot's log at that time names who it was)",
	     mend_plain(run, vname));
}

/* -- messages -- */

/* Maildir's files are renamed when flags change, after which the storage takes
   them for saved just now; the names keep the time. */
static bool
name_time(struct mail *mail, time_t *time_r)
{
	const char *name, *end;
	uintmax_t number;

	if (strcmp(mail->box->storage->name, "maildir") != 0 ||
	    mail_get_special(mail, MAIL_FETCH_STORAGE_ID, &name) < 0 ||
	    str_parse_uintmax(name, &number, &end) < 0 || *end != '.' ||
	    number < NAME_TIME_MIN ||
	    number > (uintmax_t)ioloop_time + DAY_SECS)
		return FALSE;
	*time_r = (time_t)number;
	return TRUE;
}

/* One that has no time is looked at. */
static bool
is_recent(const struct expect_run *run, struct mail *mail)
{
	time_t when;

	return (!name_time(mail, &when) &&
		mail_get_save_date(mail, &when) < 0) ||
		when >= run->expect->since;
}

static int
look_at_message(struct mail *mail, void *context)
{
	struct expect_run *run = context;
	struct roost_peek peek;

	if (!is_recent(run, mail))
		return 0;
	if (roost_inspect_peek(mail, &peek) > 0) {
		if (!peek.is_sealed)
			seq_range_array_add(&run->plain, mail->uid);
	} else if (!mail->expunged) {
		run->is_unread = TRUE;
		e_error(mail_event(mail), "roost: Cannot look whether it is "
			"sealed: its file cannot be read");
	}
	return 0;
}

static int
look_at_mailbox(struct mailbox *box, void *context)
{
	struct expect_run *run = context;

	array_clear(&run->plain);
	if (roost_walk_messages(run->ctx, box, look_at_message, run) < 0)
		return -1;
	if (array_count(&run->plain) > 0)
		tell_plain(run, box);
	return 0;
}

static int
look_at_mail(struct expect_run *run, const char **error_r)
{
	const struct roost_walk walk = {
		.ctx = run->ctx, .visit = look_at_mailbox, .context = run,
		.flags = MAILBOX_FLAG_READONLY,
	};
	struct mail_namespace *own = roost_command_namespace(run->user), *ns;
	int ret = 0;

	for (ns = run->user->namespaces; ns != NULL; ns = ns->next) {
		if (roost_count_takes(own, ns) &&
		    roost_walk_namespace(&walk, ns, error_r) < 0)
			ret = -1;
	}
	if (ret == 0 && run->is_unread) {
		*error_r = "Not every message could be looked at; each is "
			"named above";
		ret = -1;
	}
	return ret;
}

/* -- users -- */

static void
look_at_plugins(const struct expect_run *run)
{
	if (!str_array_find(roost_mail_plugins(run->user->set), "roost"))
		tell(run, ROOST_SEVERITY_ERROR, "plugin-missing",
		     user_where(run), "mail_plugins of this user lacks roost",
		     "the user's mail is saved in clear, and sealed mail "
		     "cannot be read",
		     "take mail_plugins out of the user's userdb fields, or "
		     "add roost to it");
}

/* With -A there may be users who are to be left alone. */
static void
tell_not_enabled(const struct expect_run *run)
{
	tell(run, run->ctx->iterate_single_user ? ROOST_SEVERITY_ERROR :
	     ROOST_SEVERITY_NOTICE, "not-enabled", user_where(run),
	     "roost_enable is not yes for this user",
	     "no new mail of the user is sealed",
	     "roost_enable = yes, or that field of userdb");
}

int
roost_expect_user(struct roost_expect *expect, struct roost_findings *findings,
		  struct doveadm_mail_cmd_context *ctx,
		  struct roost_user *ruser, struct mail_user *user,
		  const char **error_r)
{
	struct expect_run run = {
		.expect = expect, .findings = findings, .ctx = ctx,
		.ruser = ruser, .user = user,
	};
	int ret;

	look_at_plugins(&run);
	if (!expect->is_sealed)
		return 0;
	if (roost_user_config(ruser)->enable != ROOST_ENABLE_YES) {
		tell_not_enabled(&run);
		return 0;
	}
	expect->user_count++;
	roost_doctor_user_storages(findings, user);
	i_array_init(&run.plain, 16);
	ret = look_at_mail(&run, error_r);
	array_free(&run.plain);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * report: gates, errors and log lines.  See report.h.
 */
#include "dovecot/report.h"

#include "dovecot/event.h"

#include <errno.h>

struct event_category roost_report_category = { .name = "roost" };

/* Returns what an operator can do about a message that fails at this gate. */
static const char *
report_advice(enum roost_err err)
{
	if (err == ROOST_ERR_VERSION || err == ROOST_ERR_SUITE ||
	    err == ROOST_ERR_FLAG)
		return "upgrade Roost on this host";
	if (err == ROOST_ERR_OTHER_KEYRING || err == ROOST_ERR_NO_KEY)
		return "put the keyring back that it was sealed for";
	if (err == ROOST_ERR_BACKEND)
		return "see the system's log";
	return "the file was damaged or changed: restore it from a backup";
}

int
roost_report_errno(enum roost_err err)
{
	/* ENOENT, EPIPE and EINVAL would not do: callers give them other
	   meanings, and some of them would not log. */
	return err == ROOST_ERR_LOCKED || err == ROOST_ERR_NO_KEY ?
		EACCES : EIO;
}

static void
report_log_level(struct mail *mail, const char *event_name,
		 const char *reason, const char *text, enum log_type level)
{
	struct event *event = event_create(mail_event(mail));
	struct event_passthrough *pass;

	event_add_category(event, &roost_report_category);
	pass = event_create_passthrough(event)->set_name(event_name)->
		add_str("reason", reason);
	if (level == LOG_TYPE_ERROR)
		e_error(pass->event(), "roost: %s", text);
	else if (level == LOG_TYPE_WARNING)
		e_warning(pass->event(), "roost: %s", text);
	else
		e_debug(pass->event(), "roost: %s", text);
	event_unref(&event);
}

static void
report_log(struct mail *mail, const char *event_name, const char *reason,
	   const char *text)
{
	report_log_level(mail, event_name, reason, text, LOG_TYPE_ERROR);
}

void
roost_report_refused(struct mail *mail, enum roost_err err,
		     const char *detail, bool is_quiet)
{
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_INVALIDDATA,
			       ROOST_CLIENT_REFUSED);
	if (is_quiet)
		return;
	report_log(mail, "roost_refused", roost_err_name(err),
		   t_strdup_printf("Refused a sealed message: %s%s%s [%s]; %s",
				   roost_err_phrase(err),
				   detail == NULL ? "" : ": ",
				   detail == NULL ? "" : detail,
				   roost_err_name(err), report_advice(err)));
}

void
roost_report_keyring(struct mail *mail, const char *gate, const char *error,
		     bool is_quiet)
{
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_INVALIDDATA,
			       ROOST_CLIENT_REFUSED);
	if (!is_quiet)
		report_log(mail, "roost_refused", gate,
			   t_strdup_printf("Refused a message: %s", error));
}

void
roost_report_plaintext(struct mail *mail, bool is_served, bool is_quiet)
{
	if (!is_served)
		mail_storage_set_error(mail->box->storage,
				       MAIL_ERROR_INVALIDDATA,
				       ROOST_CLIENT_PLAINTEXT);
	if (is_quiet)
		return;
	report_log(mail, "roost_plaintext_seen",
		   is_served ? "served" : "refused",
		   t_strdup_printf("%s a plaintext message although the "
				   "policy is sealed [plaintext]; "
				   "roost_plaintext decides about it",
				   is_served ? "Served" : "Refused"));
}

void
roost_report_changed(struct mail *mail)
{
	report_log_level(mail, "roost_object_changed", "object-changed",
		"The message is not the one that the index cache describes: "
		"it was exchanged for another genuine one, or sealed anew "
		"[object-changed]; it is served as its file says",
		LOG_TYPE_WARNING);
}

void
roost_report_unsealed(struct mail *mail, bool is_quiet)
{
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_INVALIDDATA,
			       ROOST_CLIENT_PLAINTEXT);
	if (is_quiet)
		return;
	report_log(mail, "roost_object_changed", "unsealed",
		   "Refused a plaintext message: the index cache knows it as "
		   "a sealed one, so it was put in its place [unsealed]; "
		   "restore the file from a backup");
}

void
roost_report_blob(struct mail *mail, enum roost_err err)
{
	report_log_level(mail, "roost_cache_refused", roost_err_name(err),
		t_strdup_printf("Refused what the index cache holds of the "
				"message: %s [%s]; it is made anew from the "
				"message", roost_err_phrase(err),
				roost_err_name(err)), LOG_TYPE_WARNING);
}

static void
report_keyring(struct event *parent, const char *name)
{
	struct event *event = roost_event_begin(parent,
						&roost_report_category);

	roost_event_end(&event, name, NULL, NULL);
}

void
roost_report_made(struct event *parent)
{
	report_keyring(parent, "roost_keyring_made");
}

void
roost_report_rotated(struct event *parent)
{
	report_keyring(parent, "roost_keyring_rotated");
}

void
roost_report_missing(struct event *parent)
{
	report_keyring(parent, "roost_keyring_missing");
}

struct event *
roost_report_unlocking(struct event *parent)
{
	return roost_event_begin(parent, &roost_report_category);
}

void
roost_report_unlocked(struct event **event, enum roost_err err,
		      const char *by)
{
	if (err == ROOST_OK)
		roost_event_end(event, "roost_unlocked", "by", by);
	else
		roost_event_end(event, "roost_locked", "reason",
				roost_err_name(err));
}

/* SPDX-License-Identifier: MIT */
/*
 * refuse: what is told of a message that is not served.  See refuse.h.
 */
#include "mail/refuse.h"

#include "dovecot/report.h"

#include "roost/bytes.h"

static const char *
detail_key_ids(const struct roost_header *header)
{
	string_t *str = t_str_new(128);
	char hex[2 * ROOST_KEY_ID_SIZE + 1];
	unsigned int i;

	str_append(str, "wanted key ids");
	for (i = 0; i < header->stanza_count; i++) {
		roost_bytes_hex(header->stanzas[i].key_id, ROOST_KEY_ID_SIZE,
				hex);
		str_printfa(str, " %s", hex);
	}
	return str_c(str);
}

static const char *
detail_keyring_id(const struct roost_header *header)
{
	char hex[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(header->keyring_id, ROOST_ID_SIZE, hex);
	return t_strdup_printf("keyring id %s", hex);
}

const char *
roost_refuse_detail(enum roost_err err, const struct roost_header *header)
{
	switch (err) {
	case ROOST_ERR_NO_KEY:
		return detail_key_ids(header);
	case ROOST_ERR_OTHER_KEYRING:
		return detail_keyring_id(header);
	default:
		return NULL;
	}
}

static struct roost_user *
mail_ruser(const struct mail *mail)
{
	return roost_user_get(mail->box->storage->user);
}

static bool
was_logged(struct mail *mail)
{
	return !roost_user_log_once(mail_ruser(mail),
		t_strdup_printf("%s/%u", mailbox_get_vname(mail->box),
				mail->uid));
}

int
roost_refuse_message(struct mail *mail, enum roost_err err,
		     const char *detail)
{
	roost_report_refused(mail, err, detail, was_logged(mail));
	return -1;
}

int
roost_refuse_keyring(struct mail *mail, const char *gate, const char *error)
{
	roost_report_keyring(mail, gate, error,
			     !roost_user_log_once(mail_ruser(mail), error));
	return -1;
}

int
roost_refuse_missing(struct mail *mail)
{
	if (roost_user_log_once(mail_ruser(mail), "missing"))
		roost_report_missing(mail_event(mail));
	return roost_refuse_keyring(mail, "keyring", "there is no keyring, "
		"but a sealed message: put the keyring back from a backup");
}

int
roost_refuse_locked(struct mail *mail, enum roost_err err)
{
	const char *advice = err == ROOST_ERR_LOCKED ?
		"no usable roost_secret_key came with this login" :
		err == ROOST_ERR_SLOT_AUTH ?
		"the login password is not the one of the password slot: if "
		"it was changed elsewhere, run doveadm roost slot replace with "
		"the old one or the recovery code" :
		"restore the keyring from a backup";

	return roost_refuse_keyring(mail, roost_err_name(err),
		t_strdup_printf("%s [%s]; %s; see doveadm roost status",
				roost_err_phrase(err), roost_err_name(err),
				advice));
}

int
roost_refuse_outdated(struct mail *mail)
{
	return roost_refuse_keyring(mail, roost_err_name(ROOST_ERR_LOCKED),
		"the keyring has a new master key since this login, which the "
		"login's password does not open [locked]; log in again, with "
		"the new password or app password");
}

int
roost_refuse_unreadable(struct mail *mail, struct istream *input)
{
	mail_set_critical(mail, "roost: read(%s) failed: %s",
			  i_stream_get_name(input),
			  input->stream_errno == 0 ? "its size is not known" :
			  i_stream_get_error(input));
	return -1;
}

int
roost_refuse_unsealed(struct mail *mail)
{
	roost_report_unsealed(mail, was_logged(mail));
	return -1;
}

int
roost_refuse_plaintext(struct mail *mail, enum roost_plaintext plaintext)
{
	bool is_served = plaintext == ROOST_PLAINTEXT_FLAG;

	roost_report_plaintext(mail, is_served, was_logged(mail));
	return is_served ? 0 : -1;
}

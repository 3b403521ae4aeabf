/* SPDX-License-Identifier: MIT */
/*
 * doctor-user: what is wrong with one user.  See doctor-user.h.
 */
#include "doveadm/doctor-user.h"

#include "mailbox-list-private.h"

#include "doveadm/count.h"
#include "doveadm/doctor-config.h"
#include "doveadm/home.h"
#include "session/leaks.h"
#include "session/memory.h"
#include "session/user-check.h"
#include "settings/line.h"

#include "roost/bytes.h"

#include <sys/stat.h>

static void
tell(struct roost_doctor_user *doctor, enum roost_severity severity,
     const char *name, const char *where, const char *what, const char *why,
     const char *mend)
{
	const struct roost_finding finding = {
		.severity = severity, .name = name, .where = where,
		.what = what, .why = why, .mend = mend,
	};

	roost_finding_add(doctor->findings, &finding);
}

static const char *
user_where(const struct mail_user *user)
{
	return t_strconcat("user ", user->username, NULL);
}

/* -- settings -- */

static void
check_plugins(struct roost_doctor_user *doctor, struct mail_user *user)
{
	const char *const *plugins = roost_mail_plugins(user->set);
	const char *fts = roost_leaks_fts_among(plugins);

	if (!str_array_find(plugins, "roost"))
		tell(doctor, ROOST_SEVERITY_ERROR, "plugin-missing",
		     user_where(user), "mail_plugins of this user lacks roost",
		     "the user's mail is saved in clear, and sealed mail "
		     "cannot be read",
		     "take mail_plugins out of the user's userdb fields, or "
		     "add roost to it");
	if (fts != NULL)
		tell(doctor, ROOST_SEVERITY_NOTICE, "full-text-plugin",
		     user_where(user),
		     t_strdup_printf("mail_plugins has %s", fts),
		     "its index holds the words of the mail in clear",
		     t_strdup_printf("take %s out of mail_plugins", fts));
}

void
roost_doctor_user_storages(struct roost_findings *findings,
			   struct mail_user *user)
{
	struct mail_namespace *ns;
	struct roost_finding finding = {
		.severity = ROOST_SEVERITY_ERROR, .name = "storage-unfit",
		.why = "deliveries fail, and the user is not let in",
	};

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		finding.what = ns->owner != user ? NULL :
			roost_user_check_storage_kind(ns->storage);
		if (finding.what == NULL)
			continue;
		finding.where = t_strdup_printf("%s, namespace \"%s\"",
						user_where(user), ns->prefix);
		finding.mend = t_strdup_printf(ROOST_LINE_MOVE,
					       user->username);
		roost_finding_add(findings, &finding);
	}
}

/* -- files -- */

static void
check_keyring_mode(struct roost_doctor_user *doctor, const char *path)
{
	struct stat st;

	/* There is no file of one that lies in a database. */
	if (path == NULL || stat(path, &st) < 0 || (st.st_mode & 0077) == 0)
		return;
	tell(doctor, (st.st_mode & 0007) != 0 ? ROOST_SEVERITY_ERROR :
	     ROOST_SEVERITY_WARNING, "keyring-mode", path,
	     t_strdup_printf("others than the user can read or write the "
			     "keyring: its mode is %03o",
			     (unsigned int)(st.st_mode & 0777)),
	     "who has the user's password or the provider key opens it, and "
	     "who can write it can lose the mail",
	     t_strconcat("chmod go= ", path, NULL));
}

static void
check_mail_mode(struct roost_doctor_user *doctor, const char *root)
{
	struct stat st;

	if (stat(root, &st) < 0 || (st.st_mode & 0007) == 0)
		return;
	tell(doctor, ROOST_SEVERITY_WARNING, "mail-mode", root,
	     "everybody on this machine can look into the mail folder",
	     "names, sizes and times of mail are visible, and mail that is "
	     "not sealed can be read",
	     t_strconcat("chmod o= ", root, NULL));
}

/* Is the provider key on the filesystem that the mail is on? */
static void
check_key_place(struct roost_doctor_user *doctor, const char *root)
{
	const char *path = roost_doctor_config_key_path(doctor->global,
							"roost_provider_key");
	struct stat key, mail;

	if (path == NULL || stat(path, &key) < 0 || stat(root, &mail) < 0 ||
	    key.st_dev != mail.st_dev || key.st_dev == doctor->told_dev ||
	    !roost_leaks_dir_keeps(root))
		return;
	doctor->told_dev = key.st_dev;
	tell(doctor, ROOST_SEVERITY_WARNING, "provider-key-place", path,
	     t_strdup_printf("the provider key is on the filesystem that the "
			     "mail in %s is on", root),
	     "whoever takes or copies that disk has both, and reads the mail",
	     "let roost_provider_key name a file on another device, or on a "
	     "tmpfs that is filled when the machine starts");
}

/* -- the keyring -- */

/* Escrow slots are not counted: who holds such a key is somebody else. */
static unsigned int
count_slots(const struct roost_keyring *doc)
{
	unsigned int i, count = 0;

	for (i = 0; i < doc->slot_count; i++) {
		if (doc->slots[i].type != ROOST_SLOT_ESCROW)
			count++;
	}
	return count;
}

static void
check_escrow(struct roost_doctor_user *doctor, struct mail_user *user,
	     const struct roost_keyring *doc)
{
	unsigned int i;

	for (i = 0; i < doc->slot_count; i++) {
		if (doc->slots[i].type != ROOST_SLOT_ESCROW)
			continue;
		tell(doctor, ROOST_SEVERITY_NOTICE, "escrow", user_where(user),
		     t_strdup_printf("slot %u is an escrow slot",
				     doc->slots[i].number),
		     "who holds its private key reads all of the mail",
		     t_strdup_printf("doveadm roost slot remove -u %s %u",
				     user->username, doc->slots[i].number));
	}
}

static void
check_slots(struct roost_doctor_user *doctor, struct mail_user *user,
	    const struct roost_keyring *doc)
{
	bool has_provider = roost_keyring_has_slot(doc, ROOST_SLOT_PROVIDER);

	if (count_slots(doc) != 1)
		return;
	tell(doctor, has_provider ? ROOST_SEVERITY_NOTICE :
	     ROOST_SEVERITY_WARNING, "one-slot", user_where(user),
	     has_provider ? "only the provider key opens the keyring" :
	     "only one secret of the user opens the keyring",
	     has_provider ? "if every copy of the provider key is lost, so is "
	     "the mail" : "if it is forgotten, the mail is lost",
	     t_strdup_printf("doveadm roost slot add -u %s recovery",
			     user->username));
}

static void
check_provider_key(struct roost_doctor_user *doctor, struct mail_user *user,
		   const struct roost_config *config,
		   const struct roost_keyring *doc)
{
	uint8_t id[ROOST_PROVIDER_ID_SIZE];

	if (config->provider_key_count < 2 ||
	    roost_provider_id(config->secrets->provider_keys, id) != ROOST_OK ||
	    roost_bytes_equal(id, doc->provider_id, sizeof(id)))
		return;
	tell(doctor, ROOST_SEVERITY_WARNING, "provider-key-old",
	     user_where(user),
	     "the keyring is still wrapped by the old provider key",
	     "without roost_provider_old_key it would open no more",
	     t_strdup_printf("doveadm roost provider-rotate -u %s",
			     user->username));
}

/* Can a service that the user logs in to pay for a password slot? */
static void
check_argon2(struct roost_doctor_user *doctor, struct mail_user *user,
	     const struct roost_slot *slot, const char *service)
{
	uint64_t limit = roost_doctor_config_vsz_limit(doctor->global,
						       service);
	uint64_t need = roost_memory_argon2_need(slot->m_kib);

	if (limit == 0 || limit >= need)
		return;
	tell(doctor, ROOST_SEVERITY_ERROR, "vsz-limit", user_where(user),
	     t_strdup_printf("opening the password slot needs %u MiB, and "
			     "vsz_limit of %s is %llu MiB",
			     slot->m_kib / 1024, service,
			     (unsigned long long)limit / 1048576),
	     "the user does not get at the mail",
	     t_strdup_printf("service %s { vsz_limit = %lluM }", service,
			     (unsigned long long)roost_memory_in_mib(need)));
}

static void
check_password_slots(struct roost_doctor_user *doctor, struct mail_user *user,
		     const struct roost_keyring *doc)
{
	unsigned int i;

	for (i = 0; i < doc->slot_count; i++) {
		if (doc->slots[i].type != ROOST_SLOT_PASSWORD)
			continue;
		check_argon2(doctor, user, &doc->slots[i], "imap");
		check_argon2(doctor, user, &doc->slots[i], "pop3");
	}
}

static void
check_no_keyring(struct roost_doctor_user *doctor, struct mail_user *user,
		 const struct roost_config *config)
{
	if (config->enable == ROOST_ENABLE_NO)
		return;
	tell(doctor, config->auto_create ? ROOST_SEVERITY_NOTICE :
	     ROOST_SEVERITY_WARNING, "no-keyring", user_where(user),
	     "the user has no keyring",
	     config->auto_create ? "one is made when a message is saved" :
	     "no mail is taken in: roost_auto_create is no",
	     t_strdup_printf("doveadm roost init -u %s", user->username));
}

static void
check_keyring(struct roost_doctor_user *doctor, struct roost_user *ruser,
	      struct mail_user *user, const struct roost_config *config)
{
	struct mail_namespace *ns = roost_command_namespace(user);
	struct roost_ring *ring;
	const char *error;
	int ret = roost_user_ring(ruser, ns, &ring, &error);

	if (ret < 0) {
		tell(doctor, ROOST_SEVERITY_ERROR, "keyring-refused",
		     user_where(user), error,
		     "no mail of the user can be opened or taken in",
		     "mend what it says, or restore the keyring from a "
		     "backup");
	} else if (ret == 0) {
		check_no_keyring(doctor, user, config);
	} else {
		const struct roost_keyring *doc = roost_ring_doc(ring);

		check_slots(doctor, user, doc);
		check_escrow(doctor, user, doc);
		check_provider_key(doctor, user, config, doc);
		check_password_slots(doctor, user, doc);
	}
}

/* -- mail_crypt -- */

/* Does any message still need the plugin mail_crypt?  It is asked for users who
   have it, because every message's first bytes are read. */
static int
check_crypt(struct roost_doctor_user *doctor, struct mail_user *user,
	    const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(user);
	unsigned int crypted;
	struct roost_count count;
	int ret;

	if (!str_array_find(roost_mail_plugins(user->set), "mail_crypt"))
		return 0;
	ret = roost_count_mail(doctor->ctx, ns, NULL, &count, error_r);
	crypted = count.all.crypted;
	roost_count_free(&count);
	if (ret < 0)
		return -1;
	if (crypted > 0)
		tell(doctor, ROOST_SEVERITY_NOTICE, "mail-crypt-mail",
		     user_where(user),
		     t_strdup_printf("%u messages are sealed by mail_crypt",
				     crypted),
		     "they need its plugin and its keys to be read",
		     t_strdup_printf("doveadm roost seal -u %s",
				     user->username));
	else
		tell(doctor, ROOST_SEVERITY_NOTICE, "mail-crypt-unneeded",
		     user_where(user),
		     "no message of the user needs mail_crypt any more",
		     "once that is so for all users, the plugin and its "
		     "settings and keys can go",
		     "take mail_crypt out of mail_plugins");
	return 0;
}

/* Is there a place for a keyring?  What else is asked of it fails without. */
static bool
check_home(struct roost_doctor_user *doctor, struct mail_user *user,
	   const struct roost_config *config)
{
	const char *mend, *fault = roost_home_fault(user, config, &mend);

	if (fault != NULL)
		tell(doctor, ROOST_SEVERITY_ERROR, "no-home", user_where(user),
		     fault, "no keyring can be made or found, and no mail be "
		     "taken in", mend);
	return fault == NULL;
}

int
roost_doctor_user(struct roost_doctor_user *doctor, struct roost_user *ruser,
		  struct mail_user *user, const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(user);
	const struct roost_config *config;
	struct roost_keystore *store;
	const char *root;
	int ret;

	if (roost_user_namespace_config(ruser, ns, &config, error_r) < 0)
		return -1;
	if (config->enable != ROOST_ENABLE_NO &&
	    !check_home(doctor, user, config))
		return 0;
	store = roost_user_keystore(ruser, ns, error_r);
	if (store == NULL)
		return -1;
	check_plugins(doctor, user);
	if (config->enable == ROOST_ENABLE_YES)
		roost_doctor_user_storages(doctor->findings, user);
	check_keyring(doctor, ruser, user, config);
	check_keyring_mode(doctor, roost_keystore_path(store));
	if (mailbox_list_get_root_path(ns->list, MAILBOX_LIST_PATH_TYPE_DIR,
				       &root)) {
		check_mail_mode(doctor, root);
		check_key_place(doctor, root);
	}
	ret = check_crypt(doctor, user, error_r);
	roost_keystore_deinit(&store);
	return ret;
}

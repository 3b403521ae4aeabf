/* SPDX-License-Identifier: MIT */
/*
 * owner: what userdb says of the owner of a shared mailbox.  See owner.h.
 */
#include "session/owner.h"

#include "auth-master.h"

static void
owner_info(const struct mail_user *owner, struct auth_user_info *info_r)
{
	i_zero(info_r);
	roost_auth_info_set_protocol(info_r, owner);
	if (owner->conn.local_ip != NULL)
		info_r->local_ip = *owner->conn.local_ip;
	if (owner->conn.remote_ip != NULL)
		info_r->remote_ip = *owner->conn.remote_ip;
}

int
roost_owner_fields(struct mail_user *owner, pool_t pool,
		   const char *const **fields_r, const char **error_r)
{
	struct auth_user_info info;
	const char *username;
	int ret = -1;

	owner_info(owner, &info);
	if (mail_user_auth_master_conn != NULL)
		ret = auth_master_user_lookup(mail_user_auth_master_conn,
					      owner->username, &info, pool,
					      &username, fields_r);
	if (ret > 0)
		return 0;
	*error_r = t_strdup_printf("What userdb pins for %s, the owner of the "
		"mailbox, %s", owner->username, ret == 0 ?
		"is not known: userdb has no such user" :
		"could not be looked up");
	return -1;
}

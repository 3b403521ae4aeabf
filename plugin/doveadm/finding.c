/* SPDX-License-Identifier: MIT */
/*
 * finding: a row of `doveadm roost doctor`.  See finding.h.
 */
#include "doveadm/finding.h"

#include "doveadm.h"
#include "doveadm-print.h"

static const char *const severities[] = {
	[ROOST_SEVERITY_NOTICE] = "notice",
	[ROOST_SEVERITY_WARNING] = "warning",
	[ROOST_SEVERITY_ERROR] = "error",
};

void
roost_finding_headers(void)
{
	doveadm_print_header_simple("severity");
	doveadm_print_header_simple("finding");
	doveadm_print_header_simple("where");
	doveadm_print_header_simple("what");
	doveadm_print_header_simple("why");
	doveadm_print_header_simple("mend");
}

static void
finding_log(const struct roost_finding *finding)
{
	i_error("roost: %s: %s, so that %s.  Mend it with: %s", finding->where,
		finding->what, finding->why, finding->mend);
}

static void
finding_print(const struct roost_finding *finding)
{
	doveadm_print(severities[finding->severity]);
	doveadm_print(finding->name);
	doveadm_print(finding->where);
	doveadm_print(finding->what);
	doveadm_print(finding->why);
	doveadm_print(finding->mend);
}

void
roost_finding_add(struct roost_findings *findings,
		  const struct roost_finding *finding)
{
	if (findings->is_logged)
		finding_log(finding);
	else
		finding_print(finding);
	if (finding->severity != ROOST_SEVERITY_NOTICE)
		findings->is_bad = TRUE;
}

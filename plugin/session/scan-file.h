/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_SCAN_FILE_H
#define ROOST_SESSION_SCAN_FILE_H

/*
 * scan-file: is there a sealed message in a file that lies in a mail folder?
 */

/*
 * Is the message that a maildir file holds sealed, or any of those that a dbox
 * file holds?  1 yes; 0 no; -1 with errno if the file could not be read.
 */
int roost_scan_file_is_sealed(const char *path);
int roost_scan_file_has_sealed(const char *path);

#endif

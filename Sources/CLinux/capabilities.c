#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number(const char *text, unsigned *result) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || value >= (unsigned)-1) return 0;
  *result = (unsigned)value;
  return 1;
}

int clinux_find_user(const char *name, unsigned *user, unsigned *group) {
  struct passwd entry, *found = NULL;
  char room[16384];
  int error = getpwnam_r(name, &entry, room, sizeof room, &found);
  if (!found && number(name, user)) error = getpwuid_r(*user, &entry, room, sizeof room, &found);
  if (!found) return error ? -error : -ENOENT;
  *user = entry.pw_uid;
  *group = entry.pw_gid;
  return 0;
}

int clinux_find_group(const char *name, unsigned *group) {
  struct group entry, *found = NULL;
  char room[65536];
  int error = getgrnam_r(name, &entry, room, sizeof room, &found);
  if (found) *group = entry.gr_gid;
  if (found || number(name, group)) return 0;
  return error ? -error : -ENOENT;
}

static int get(unsigned long long *effective, unsigned long long *permitted) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {0};
  if (syscall(SYS_capget, &header, data) < 0) return -errno;
  *effective = data[0].effective | (unsigned long long)data[1].effective << 32;
  *permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
  return 0;
}

// Of the calling thread: the call of the kernel itself, which glibc does not spread to the others.
static int set(unsigned long long capabilities) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  unsigned low = (unsigned)capabilities, high = (unsigned)(capabilities >> 32);
  struct __user_cap_data_struct data[2] = {
    {.effective = low, .permitted = low, .inheritable = low},
    {.effective = high, .permitted = high, .inheritable = high},
  };
  return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int clinux_become(const char *name, unsigned user, unsigned group, unsigned long long kept) {
  unsigned long long effective = 0, permitted = 0;
  // A flag of this thread alone: the others lose everything with setresuid.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -errno;
  // These are glibc's, which has every thread make the call.
  if (initgroups(name, group) < 0) return -errno;
  if (setresgid(group, group, group) < 0) return -errno;
  if (setresuid(user, user, user) < 0) return -errno;
  int error = get(&effective, &permitted);
  if (error) return error;
  kept &= permitted;
  if ((error = set(kept))) return error;
  // For a successor that is started later; needs them to be inheritable, too.
  for (int i = 0; i < 64; i++)
    if (kept >> i & 1) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
  return 0;
}

int clinux_renounce(void) { return set(0); }

unsigned long long clinux_capabilities(void) {
  unsigned long long effective = 0, permitted = 0;
  get(&effective, &permitted);
  return effective;
}

void clinux_forbid_new_privileges(void) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

void clinux_forbid_dumps(void) { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

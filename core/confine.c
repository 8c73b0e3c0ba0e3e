#include "confine.h"

#include "hide.h"

#if defined __linux__ && (defined __x86_64__ || defined __aarch64__) && !defined TOW_HIDE_NEVER

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define CONFINE_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define CONFINE_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define CONFINE_REFUSED  (SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))
#define CONFINE_X32_CALL 0x40000000 /* x32's numbers are those of x86-64 and this */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define END(verdict) BPF_STMT(BPF_RET | BPF_K, (verdict))
#define REFUSE(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), END(CONFINE_REFUSED)

static const struct sock_filter confine_filter[] = {
    /* Numbers mean something else to another processor, as which this one can be called, too. */
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCHITECTURE, 1, 0),
    END(CONFINE_REFUSED),
    LOAD(nr),
#ifdef __x86_64__
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CONFINE_X32_CALL, 0, 1),
    END(CONFINE_REFUSED),
#endif
    /* programs */
    REFUSE(SYS_execve),
    REFUSE(SYS_execveat),
    /* other processes */
    REFUSE(SYS_ptrace),
    REFUSE(SYS_process_vm_readv),
    REFUSE(SYS_process_vm_writev),
    REFUSE(SYS_kcmp),
#ifdef SYS_pidfd_getfd
    REFUSE(SYS_pidfd_getfd),
#endif
#ifdef SYS_process_madvise
    REFUSE(SYS_process_madvise),
#endif
    /* parts of the kernel that many a way out has led through */
    REFUSE(SYS_bpf),
    REFUSE(SYS_perf_event_open),
    REFUSE(SYS_userfaultfd),
#ifdef SYS_io_uring_setup
    REFUSE(SYS_io_uring_setup),
    REFUSE(SYS_io_uring_enter),
    REFUSE(SYS_io_uring_register),
#endif
    REFUSE(SYS_keyctl),
    REFUSE(SYS_add_key),
    REFUSE(SYS_request_key),
    REFUSE(SYS_fanotify_init),
    REFUSE(SYS_open_by_handle_at),
    REFUSE(SYS_personality),
    /* users */
    REFUSE(SYS_setuid),
    REFUSE(SYS_setgid),
    REFUSE(SYS_setreuid),
    REFUSE(SYS_setregid),
    REFUSE(SYS_setresuid),
    REFUSE(SYS_setresgid),
    REFUSE(SYS_setfsuid),
    REFUSE(SYS_setfsgid),
    REFUSE(SYS_setgroups),
    REFUSE(SYS_capset),
    /* mounts and namespaces */
    REFUSE(SYS_mount),
    REFUSE(SYS_umount2),
    REFUSE(SYS_pivot_root),
    REFUSE(SYS_chroot),
    REFUSE(SYS_unshare),
    REFUSE(SYS_setns),
#ifdef SYS_open_tree
    REFUSE(SYS_open_tree),
    REFUSE(SYS_move_mount),
    REFUSE(SYS_fsopen),
    REFUSE(SYS_fsconfig),
    REFUSE(SYS_fsmount),
    REFUSE(SYS_fspick),
#endif
#ifdef SYS_mount_setattr
    REFUSE(SYS_mount_setattr),
#endif
    /* the machine */
    REFUSE(SYS_init_module),
    REFUSE(SYS_finit_module),
    REFUSE(SYS_delete_module),
    REFUSE(SYS_kexec_load),
#ifdef SYS_kexec_file_load
    REFUSE(SYS_kexec_file_load),
#endif
    REFUSE(SYS_reboot),
    REFUSE(SYS_swapon),
    REFUSE(SYS_swapoff),
    REFUSE(SYS_quotactl),
    REFUSE(SYS_acct),
    REFUSE(SYS_syslog),
    REFUSE(SYS_sethostname),
    REFUSE(SYS_setdomainname),
    REFUSE(SYS_settimeofday),
    REFUSE(SYS_clock_settime),
    REFUSE(SYS_adjtimex),
    REFUSE(SYS_clock_adjtime),
    REFUSE(SYS_vhangup),
#ifdef __x86_64__
    REFUSE(SYS_iopl),
    REFUSE(SYS_ioperm),
    REFUSE(SYS_modify_ldt),
#endif
    END(SECCOMP_RET_ALLOW),
};

const char *tow_process_confine(void)
{
    const struct sock_fprog program = {sizeof confine_filter / sizeof *confine_filter,
                                       (struct sock_filter *)confine_filter};

    /* Without it only root may filter; and what is confined must not get rid of it by a setuid
     * program. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "the kernel knows no no_new_privs";
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        return "the kernel takes no seccomp filter";
    return NULL;
}

#else

const char *tow_process_confine(void)
{
#ifdef TOW_HIDE_NEVER
    return "this is a build with sanitizers";
#else
    return "this system or processor has none";
#endif
}

#endif

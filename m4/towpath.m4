# Macros of towpath's configure.ac.

# TOW_ARG_SANITIZER(NAME, WHAT, FLAGS)
# --enable-NAME adds FLAGS to everything that is compiled and linked.
AC_DEFUN([TOW_ARG_SANITIZER], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [build with the $2 sanitizer])], [], [enable_$1=no])
  AS_IF([test "x$enable_$1" = xyes], [
    TOW_SANITIZER_FLAGS="$TOW_SANITIZER_FLAGS $3"
    tow_sanitizers="${tow_sanitizers}$1 "
  ])
  AC_SUBST([TOW_SANITIZER_FLAGS])
])

# TOW_TRY_FLAG(VARIABLE, FLAG, [c|l])
# Appends FLAG to VARIABLE where the compiler (c) or the linker (l) takes it.
AC_DEFUN([TOW_TRY_FLAG], [
  AC_MSG_CHECKING([for $2])
  tow_saved_cflags=$CFLAGS
  tow_saved_ldflags=$LDFLAGS
  m4_if([$3], [l], [LDFLAGS="$LDFLAGS $2"], [CFLAGS="$CFLAGS -Werror $2"])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [tow_flag=yes], [tow_flag=no])
  CFLAGS=$tow_saved_cflags
  LDFLAGS=$tow_saved_ldflags
  AS_IF([test $tow_flag = yes], [$1="$$1 $2"])
  AC_MSG_RESULT([$tow_flag])
])

# Warnings that gcc and clang are both clean of.
AC_DEFUN([TOW_COMPILER_FLAGS], [
  TOW_CFLAGS="-std=gnu11 -fvisibility=hidden"
  m4_foreach_w([tow_w], [-Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla],
    [TOW_TRY_FLAG([TOW_CFLAGS], [tow_w], [c])])
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [turn warnings into errors])])
  AS_IF([test "x$enable_werror" = xyes], [TOW_CFLAGS="$TOW_CFLAGS -Werror"])
  AC_SUBST([TOW_CFLAGS])
])

# What a distribution's hardening check asks for: PIE, full RELRO, stack protector, fortify, no
# executable stack, stack clash protection. TOW_HARDENING names what tests/hardening.sh can look for.
AC_DEFUN([TOW_HARDENING_FLAGS], [
  AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [leave the hardening flags out])], [], [enable_hardening=yes])
  TOW_HARDENING=
  AS_IF([test "x$enable_hardening" = xyes], [
    TOW_HARDENING="PIE RELRO stack-protector"
    TOW_TRY_FLAG([TOW_HARDENING_CFLAGS], [-fstack-protector-strong], [c])
    TOW_TRY_FLAG([TOW_HARDENING_CFLAGS], [-fstack-clash-protection], [c])
    AS_CASE([" $CFLAGS $CPPFLAGS "],
      [*_FORTIFY_SOURCE*], [],
      [AS_IF([test -z "$TOW_SANITIZER_FLAGS"],
        [AS_CASE([" $CFLAGS "], [*-O@<:@1-9sgz@:>@*],
          [TOW_HARDENING_CFLAGS="$TOW_HARDENING_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
           TOW_HARDENING="$TOW_HARDENING fortify"])])])
    TOW_TRY_FLAG([TOW_HARDENING_LDFLAGS], [-Wl,-z,relro], [l])
    TOW_TRY_FLAG([TOW_HARDENING_LDFLAGS], [-Wl,-z,now], [l])
    TOW_TRY_FLAG([TOW_HARDENING_LDFLAGS], [-Wl,-z,noexecstack], [l])
    TOW_PIE_CFLAGS=-fPIE
    TOW_PIE_LDFLAGS=-pie
  ])
  AC_SUBST([TOW_HARDENING])
  AC_SUBST([TOW_HARDENING_CFLAGS])
  AC_SUBST([TOW_HARDENING_LDFLAGS])
  AC_SUBST([TOW_PIE_CFLAGS])
  AC_SUBST([TOW_PIE_LDFLAGS])
])

# A module brings all of its symbols, or does not link. A sanitizer's are the program's with clang.
AC_DEFUN([TOW_MODULE_FLAGS], [
  AS_IF([test -z "$TOW_SANITIZER_FLAGS"],
    [TOW_TRY_FLAG([TOW_MODULE_LDFLAGS], [-Wl,-z,defs], [l])])
  AC_SUBST([TOW_MODULE_LDFLAGS])
])

# --enable-preloaded: plugins that are part of the program, by the names of their folders. The others
# are modules.
AC_DEFUN([TOW_PRELOADED], [
  AC_ARG_ENABLE([preloaded],
    [AS_HELP_STRING([--enable-preloaded@<:@=LIST@:>@],
      [make plugins part of the program: all of them, or a list (csv,file) (default: none)])],
    [], [enable_preloaded=no])
  AC_CHECK_TOOL([OBJCOPY], [objcopy])
  tow_plugins=
  for tow_folder in "$srcdir"/plugins/*/; do
    tow_plugin=`basename "$tow_folder"`
    AS_IF([test "$tow_plugin" != shared], [tow_plugins="$tow_plugins $tow_plugin"])
  done
  AS_CASE([$enable_preloaded],
    [no], [PRELOADED=],
    [yes|all], [PRELOADED=$tow_plugins],
    [PRELOADED=`AS_ECHO(["$enable_preloaded"]) | tr , ' '`])
  PLUGIN_MODULES= PRELOADED_ARCHIVES=
  for tow_plugin in $PRELOADED; do
    AS_CASE([" $tow_plugins "],
      [*" $tow_plugin "*], [PRELOADED_ARCHIVES="$PRELOADED_ARCHIVES $tow_plugin.a"],
      [AC_MSG_ERROR([--enable-preloaded: there is no plugin $tow_plugin; there are:$tow_plugins])])
  done
  for tow_plugin in $tow_plugins; do
    AS_CASE([" $PRELOADED "], [*" $tow_plugin "*], [], [PLUGIN_MODULES="$PLUGIN_MODULES $tow_plugin.la"])
  done
  AS_IF([test -n "$PRELOADED" && test -z "$OBJCOPY"],
    [AC_MSG_ERROR([objcopy not found: install binutils])])
  AC_SUBST([PRELOADED])
  AC_SUBST([PRELOADED_ARCHIVES])
  AC_SUBST([PLUGIN_MODULES])
  AM_CONDITIONAL([HAVE_PRELOADED], [test -n "$PRELOADED"])
])

# A python3 that has pytest: Debian's own first, since its packages belong to it.
AC_DEFUN([TOW_PYTEST], [
  AC_ARG_VAR([PYTHON3], [a python3 with pytest, for the end-to-end tests])
  AC_MSG_CHECKING([for a python3 with pytest])
  have_pytest=no
  for tow_python in "${PYTHON3:-/usr/bin/python3}" "${PYTHON3:-python3}"; do
    AS_IF(["$tow_python" -c 'import pytest' >/dev/null 2>&1],
      [PYTHON3=$tow_python; have_pytest=yes; break])
  done
  AC_MSG_RESULT([$have_pytest])
  AM_CONDITIONAL([HAVE_PYTEST], [test "$have_pytest" = yes])
])

"""A kernel filter that takes from a process what a parser never needs: network, programs, other processes.

The filter refuses by name and lets the rest pass: the format libraries allocate, read, and start
threads, and a closed list of what they use would break with each of their versions.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import Final, NamedTuple

_SET_MODE_FILTER: Final = 1
#: Cover every thread of the process, not only the calling one.
_TSYNC: Final = 1
_LOAD_WORD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_NOT_BELOW: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_KILL: Final = 0x80000000
_NUMBER_OFFSET: Final = 0
_ARCH_OFFSET: Final = 4
_ARGUMENTS_OFFSET: Final = 16
#: System calls of the x32 interface carry this bit; it would walk around the numbers below.
_X32_BIT: Final = 0x40000000
_CLONE_THREAD: Final = 0x10000


class _Machine(NamedTuple):
    audit_arch: int
    seccomp: int
    refused: dict[str, int]
    clone: int
    tgkill: int
    prlimit: int


#: Number of each refused call; -1 where the machine does not have it.
_REFUSED_X86: Final = {
    "socket": 41, "socketpair": 53, "connect": 42, "accept": 43, "accept4": 288, "bind": 49, "listen": 50,
    "execve": 59, "execveat": 322, "fork": 57, "vfork": 58, "ptrace": 101, "process_vm_readv": 310,
    "process_vm_writev": 311, "kill": 62, "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
    "pidfd_send_signal": 424, "pidfd_open": 434, "pidfd_getfd": 438, "mount": 165, "umount2": 166,
    "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298,
    "keyctl": 250, "add_key": 248, "request_key": 249, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "userfaultfd": 323, "init_module": 175, "finit_module": 313, "kexec_load": 246,
    "setrlimit": 160,
}  # fmt: skip
_REFUSED_ARM: Final = {
    "socket": 198, "socketpair": 199, "connect": 203, "accept": 202, "accept4": 242, "bind": 200, "listen": 201,
    "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kill": 129,
    "tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424, "pidfd_open": 434,
    "pidfd_getfd": 438, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
    "bpf": 280, "perf_event_open": 241, "keyctl": 219, "add_key": 217, "request_key": 218, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "userfaultfd": 282, "init_module": 105, "finit_module": 273,
    "kexec_load": 104, "setrlimit": 164,
}  # fmt: skip
#: Refused as "not there", so that the C library falls back to ``clone``, whose flags can be seen.
_CLONE3: Final = 435
_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 317, _REFUSED_X86, clone=56, tgkill=234, prlimit=302),
    "aarch64": _Machine(0xC00000B7, 277, _REFUSED_ARM, clone=220, tgkill=131, prlimit=261),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install_filter() -> str:
    """Install the filter for good on all threads of this process; the process must not gain privileges.

    Returns
    -------
    Why it could not be installed; empty where it is in force.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return f"no system-call filter for {platform.machine()}"
    code = b"".join(_instructions(machine))
    program = _Program(len(code) // 8, code)
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(machine.seccomp, _SET_MODE_FILTER, _TSYNC, ctypes.byref(program)) != 0:
        return f"the kernel refused the system-call filter ({os.strerror(ctypes.get_errno())})"
    return ""


def _instructions(machine: _Machine) -> list[bytes]:
    load_number = _step(_LOAD_WORD, _NUMBER_OFFSET)
    steps = [_step(_LOAD_WORD, _ARCH_OFFSET), _step(_JUMP_EQUAL, machine.audit_arch, 1, 0), _step(_RETURN, _KILL)]
    steps += [load_number, _step(_JUMP_NOT_BELOW, _X32_BIT, 0, 1), _refuse(errno.ENOSYS)]
    for number in (*machine.refused.values(), _CLONE3):
        reason = errno.ENOSYS if number == _CLONE3 else errno.EPERM
        steps += [_step(_JUMP_EQUAL, number, 0, 1), _refuse(reason)]
    steps += _unless(machine.clone, _JUMP_ANY_BIT, _CLONE_THREAD)
    steps += _unless(machine.tgkill, _JUMP_EQUAL, os.getpid())
    steps += _unless(machine.prlimit, _JUMP_EQUAL, 0)
    return [*steps, _step(_RETURN, _ALLOW)]


def _unless(number: int, test: int, value: int) -> list[bytes]:
    """Refuse the call ``number`` unless its first argument passes the test."""
    return [
        _step(_JUMP_EQUAL, number, 0, 4),
        _step(_LOAD_WORD, _ARGUMENTS_OFFSET),
        _step(test, value, 1, 0),
        _refuse(errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _refuse(reason: int) -> bytes:
    return _step(_RETURN, _REFUSE | reason)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)

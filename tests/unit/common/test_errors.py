"""What is tried again for as long as it takes, and what is not."""

import errno
import io
import socket
import ssl

import asyncpg
import pytest

from escolta.errors import Misconfigured, Rejected, Transient, is_transient


@pytest.mark.parametrize(
    "error",
    [
        Transient("the store is away"),
        TimeoutError(),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        BrokenPipeError(),
        OSError("Multiple exceptions: [Errno 111] refused, [Errno 111] refused"),
        OSError(errno.EHOSTUNREACH, "no route"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
        BlockingIOError(errno.EAGAIN, "busy"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.DeadlockDetectedError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.ObjectNotInPrerequisiteStateError("database is not currently accepting connections"),
        asyncpg.InsufficientPrivilegeError("permission denied for table audios"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
    ],
    ids=repr,
)
def test_what_time_mends_is_transient(error: Exception):
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        Rejected("the file is no sound"),
        Misconfigured("ESCOLTA_BUS_URL is wrong"),
        ZeroDivisionError(),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "class_map.csv"),
        IsADirectoryError(errno.EISDIR, "Is a directory"),
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EINVAL, "Invalid argument"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.ENAMETOOLONG, "File name too long"),
        io.UnsupportedOperation("not readable"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InterfaceError("connection has been released back to the pool"),
        asyncpg.InterfaceError("cannot rollback; the transaction is in error state"),
        asyncpg.DataError("invalid input for query argument $1: value out of int32 range"),
        asyncpg.UndefinedTableError(),
        asyncpg.UniqueViolationError(),
    ],
    ids=repr,
)
def test_a_slip_of_ours_and_a_fault_of_the_input_are_not(error: Exception):
    assert not is_transient(error)

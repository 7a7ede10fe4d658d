"""Processes: start pinned to a core, account for their CPU and memory, end by pid."""

import ctypes
import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running = []


class StartError(Exception):
    """A program could not be started or did not become ready; the text says why."""


class TimeLimit(Exception):
    """The run took longer than it was allowed to."""


@dataclass(frozen=True)
class Cpu:
    """CPU time of a process and its children, in seconds."""

    user: float
    system: float


@dataclass(frozen=True)
class CpuReading:
    """Raw counters at one instant: see `cpu_between`."""

    user_ticks: int
    system_ticks: int
    run_ns: int
    threads: frozenset


class Process:
    """A started program. `stop` ends it and every process it started.

    `core` may be a set of cores; `variables` are added to the environment.
    """

    def __init__(self, argv, core, log_path, cwd=None, variables=None):
        self.argv = [str(a) for a in argv]
        self.log_path = log_path

        def in_child():
            # Without this, a harness that is killed outright would leave its programs running.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            os.sched_setaffinity(0, {core} if isinstance(core, int) else core)

        with open(log_path, "wb") as log:
            try:
                self._popen = subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=cwd,
                    env=os.environ | (variables or {}),
                    start_new_session=True,
                    preexec_fn=in_child,
                )
            except OSError as error:
                raise StartError(f"{self.argv[0]}: {error.strerror}") from error
        self.pid = self._popen.pid
        _running.append(self)

    def exit_code(self):
        """The exit code, or None while the program runs."""
        return self._popen.poll()

    def wait(self, seconds):
        """Waits for the end of the program; raises StartError when it takes too long."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise StartError(f"{self.argv[0]} did not end within {seconds:.0f} s") from error

    def output(self):
        """What the program has written so far."""
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def last_words(self):
        """The last line of output that has any text: what to show when a start fails."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        alerts = [line for line in lines if "ALERT" in line or "emerg" in line]
        return (alerts or lines or ["(no output)"])[-1][:200]

    def stop(self, patience=3.0):
        """SIGTERM, then SIGKILL for whatever of the process tree is left."""
        if self in _running:
            _running.remove(self)
        family = [(pid, _start_time(pid)) for pid in tree(self.pid)]
        if self.exit_code() is None:
            self._popen.terminate()
            try:
                self._popen.wait(patience)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        for pid, started in family:
            # The start time tells a leftover child from a stranger that was given its pid since.
            if pid != self.pid and started is not None and _start_time(pid) == started:
                _kill(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def stop_all():
    """Ends everything that was started and is still there."""
    for process in list(_running):
        process.stop(patience=1.0)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None


def stat_fields(text):
    """The fields of /proc/PID/stat from the third on (the second may hold blanks)."""
    return text[text.rindex(")") + 2 :].split()


def _start_time(pid):
    text = _read(f"/proc/{pid}/stat")
    if text is None:
        return None
    fields = stat_fields(text)
    return None if fields[0] == "Z" else int(fields[19])


def tree(pid):
    """The process and its descendants, as pids."""
    found = [pid]
    for parent in found:
        for thread in _threads(parent):
            children = _read(f"/proc/{parent}/task/{thread}/children") or ""
            found.extend(int(child) for child in children.split())
    return found


def _threads(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []


def read_cpu(pid):
    """CPU counters of the process tree, for `cpu_between`."""
    user = system = run_ns = 0
    threads = set()
    for member in tree(pid):
        text = _read(f"/proc/{member}/stat")
        if text is None:
            continue
        fields = stat_fields(text)
        user += int(fields[11])
        system += int(fields[12])
        for thread in _threads(member):
            schedstat = _read(f"/proc/{member}/task/{thread}/schedstat")
            if schedstat is not None:
                run_ns += int(schedstat.split()[0])
                threads.add(thread)
    return CpuReading(user, system, run_ns, frozenset(threads))


def cpu_between(before, after):
    """CPU used between two readings.

    The scheduler's nanoseconds give the total; the clock ticks (10 ms each) only say how it is
    split. A thread that ended in between took its nanoseconds along, and then ticks must do.
    """
    user = after.user_ticks - before.user_ticks
    system = after.system_ticks - before.system_ticks
    ticks = user + system
    if before.threads - after.threads or ticks == 0:
        total = ticks / TICKS_PER_SECOND
    else:
        total = (after.run_ns - before.run_ns) / 1e9
    share = user / ticks if ticks else 0.0
    return Cpu(total * share, total * (1 - share))


def memory_kib(pid, field="VmRSS"):
    """Sum of one /proc/PID/status memory field over the process tree, in KiB."""
    total = 0
    for member in tree(pid):
        for line in (_read(f"/proc/{member}/status") or "").splitlines():
            if line.startswith(field + ":"):
                total += int(line.split()[1])
    return total


def allow_descriptors(wanted):
    """Raises the descriptor limit towards `wanted`, for this process and those it starts.

    Returns the limit that holds afterwards.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return soft
    for limits in ((wanted, max(hard, wanted)), (min(hard, wanted), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            return limits[0]
        except (ValueError, PermissionError):
            continue
    return soft


def limit_run(seconds):
    """Bounds the whole run: raises TimeLimit in the main thread, on SIGTERM and SIGHUP too."""

    def on_signal(number, _frame):
        if number == signal.SIGALRM:
            raise TimeLimit(f"the run's limit of {seconds} s is over")
        raise TimeLimit(f"ended by {signal.Signals(number).name}")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    signal.alarm(seconds)


def until(condition, seconds, pause=0.001):
    """Polls `condition` until it returns something true, which is returned, or None at the end."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result or time.monotonic() > deadline:
            return result or None
        time.sleep(pause)

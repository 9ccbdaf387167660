"""Network namespaces of this process only: their names carry its id, and they are removed at its end."""
import atexit
import ctypes
import os
import shutil
import socket
import subprocess
import threading
import unittest

_CLONE_NEWNET = 0x40000000


def ip(*words, netns=None, check=True):
    command = ["ip", *(["-n", netns] if netns else []), *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and run.returncode:
        raise AssertionError(f"{' '.join(command)}: {run.stderr}")
    return run.stdout


def require(*programs):
    """Skips the caller's case where a program is missing, or namespaces cannot be made."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise unittest.SkipTest(f"{', '.join(missing)} not installed (scripts/setup e2e)")
    if os.geteuid() != 0:
        raise unittest.SkipTest("network namespaces need root")
    probe = f"weir-{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        raise unittest.SkipTest("this machine does not let root make network namespaces")
    subprocess.run(["ip", "netns", "del", probe], check=False)


class Namespace:
    _number = 0

    def __init__(self, case):
        Namespace._number += 1
        self.name = f"weir-{os.getpid()}-{Namespace._number}"
        ip("netns", "add", self.name)
        atexit.register(self.remove)
        case.addCleanup(self.remove)
        ip("link", "set", "lo", "up", netns=self.name)

    def remove(self):
        atexit.unregister(self.remove)
        ip("netns", "del", self.name, check=False)

    def run(self, *command, timeout=60, check=True, **kwargs):
        run = subprocess.run(["ip", "netns", "exec", self.name, *map(str, command)], capture_output=True, text=True,
                             timeout=timeout, check=False, stdin=subprocess.DEVNULL, **kwargs)
        if check and run.returncode:
            raise AssertionError(f"{' '.join(map(str, command))} ended with {run.returncode}: {run.stdout}{run.stderr}")
        return run

    def socket(self, *kind):
        """A socket of the namespace, for this process: any of its threads may use it."""
        made = []

        def make():  # a thread moves there alone, and ends
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self.name}", "rb") as there:
                if libc.setns(there.fileno(), _CLONE_NEWNET) == 0:
                    made.append(socket.socket(*kind))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise AssertionError(f"no socket in {self.name}")
        return made[0]

    def start(self, case, *command, log):
        """In the background; ended by its own id when the case ends."""
        with open(log, "wb") as out:
            process = subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, command)], stdout=out,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

        def end():
            atexit.unregister(end)
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

        atexit.register(end)
        case.addCleanup(end)
        return process

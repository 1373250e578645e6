"""`manifest.json`: what exists, for tests and people. The format is described in README.md."""

import json
from typing import Any

from . import cache
from .subjects import Subject, all_subjects

VERSION = 1


def write() -> None:
    """Describes every subject that exists, fresh or not."""
    subjects = [_entry(subject) for subject in all_subjects().values() if cache.stamp_on_disk(subject.name)]
    document = {"version": VERSION, "cache": str(cache.root()), "subjects": subjects}
    cache.write_atomically(cache.root() / "manifest.json", json.dumps(document, indent=1) + "\n")


def _entry(subject: Subject) -> dict[str, Any]:
    everything = all_subjects()
    described = everything[subject.facts.get("variant_of", subject.name)].directory
    entry: dict[str, Any] = {
        "name": subject.name,
        "kind": subject.kind,
        "about": subject.about,
        "directory": str(subject.directory),
        "path": str(subject.path()),
    }
    if subject.core:
        entry["core"] = str(subject.directory / subject.core)
    if subject.executable:
        entry["executable"] = str(subject.executable())
    if sysroot := subject.sysroot():
        entry["sysroot"] = str(sysroot)
    binary = everything[subject.facts.get("binary", subject.name)]
    version = binary.directory / "version"
    if version.exists():
        entry["qemu_version"] = version.read_text().strip()
    entry.update(subject.facts)
    entry.update({key: str(described / name) for key, name in subject.kept_files.items()})
    files = subject.truth_files.items()
    entry["truth"] = {key: str(described / name) for key, name in files if (described / name).exists()}
    return entry

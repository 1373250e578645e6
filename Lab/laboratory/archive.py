"""Debian's archives, read through an apt configuration of the laboratory's own.

The user's sources, package state and caches stay as they are. The host's apt.conf.d is read, since a proxy may be set
there.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .commands import output_of, run
from .errors import LabError
from .steps import step

_MIRROR = "http://deb.debian.org"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Archive:
    """One Debian release, as if on a machine with no package installed."""

    release: str
    released: bool = True  # else it has no updates beside it
    sources: bool = True
    architecture: str = "amd64"

    @property
    def _home(self) -> Path:
        name = self.release if self.architecture == "amd64" else f"{self.release}-{self.architecture}"
        return cache.root() / "apt" / name

    def _options(self) -> dict[str, str]:
        home = self._home
        return {
            "Dir::State": f"{home}/state",
            "Dir::State::status": f"{home}/status",
            "Dir::Cache": f"{home}/cache",
            "Dir::Etc::sourcelist": f"{home}/sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Log": f"{home}/log",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Install-Recommends": "0",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Debug::NoLocking": "1",
        }

    def _command(self, tool: str, words: Sequence[str]) -> list[str]:
        options = [f"-o{key}={value}" for key, value in self._options().items()]
        return [tool, *options, *words]

    def _log(self) -> Path:
        return self._home / "log" / "apt.log"

    def refresh(self) -> None:
        """Fetches the package lists."""
        if not _KEYRING.exists():
            raise LabError(f"{_KEYRING} is missing: install debian-archive-keyring")
        home = self._home
        for name in ("state/lists/partial", "cache/archives/partial", "log"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "status").touch()
        places = [f"debian {self.release}"]
        if self.released:
            places += [f"debian {self.release}-updates", f"debian-security {self.release}-security"]
        kinds = ("deb", "deb-src") if self.sources else ("deb",)
        lines = [f"{kind} [signed-by={_KEYRING}] {_MIRROR}/{place} main" for kind in kinds for place in places]
        cache.write_atomically(home / "sources.list", "\n".join(lines) + "\n")
        with step(f"package lists of {self._home.name}"):
            run(self._command("apt-get", ["-q", "update"]), limit=300, log=self._log())
        (home / "answers.json").unlink(missing_ok=True)
        (home / "fetched").touch()

    def _ready(self) -> None:
        if not (self._home / "fetched").exists():
            self.refresh()

    def _remembered(self, question: str, ask: Callable[[], str]) -> str:
        """An answer kept until the lists are fetched anew: apt takes a second for each."""
        self._ready()
        path = self._home / "answers.json"
        answers: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if question not in answers:
            answers[question] = ask()
            cache.write_atomically(path, json.dumps(answers, indent=1))
        return answers[question]

    def version(self, package: str) -> str:
        """The version of a binary package that would be installed."""
        return self._field(package, "Version")

    def source_version(self, package: str) -> str:
        """The newest version of a source package."""

        def ask() -> str:
            text = output_of(self._command("apt-get", ["-q", "--print-uris", "source", "--download-only", package]))
            for line in text.splitlines():
                words = line.split()
                if len(words) > 1 and words[1].endswith(".dsc"):
                    return words[1].removesuffix(".dsc").split("_", 1)[1]
            raise LabError(f"{self.release} has no source package {package}")

        return self._remembered(f"source {package}", ask)

    def depends(self, package: str) -> list[str]:
        """The packages that a (meta)package depends on directly."""
        return [entry.split()[0] for entry in self._field(package, "Depends").split(",")]

    def _field(self, package: str, name: str) -> str:
        def ask() -> str:
            text = output_of(self._command("apt-cache", ["--no-all-versions", "show", package]))
            for line in text.splitlines():
                key, _, value = line.partition(": ")
                if key == name:
                    return value
            raise LabError(f"{self.release}: package {package} has no field {name}")

        return self._remembered(f"{name} of {package}", ask)

    def closure(self, packages: Iterable[str]) -> list[str]:
        """`name version` of the packages and of all that they need."""

        def ask() -> str:
            text = output_of(self._command("apt-get", ["-q", "-s", "install", *packages]))
            words = (line.split() for line in text.splitlines() if line.startswith("Inst "))
            return "\n".join(sorted(f"{name} {version.lstrip('(')}" for _, name, version, *_ in words))

        return self._remembered(f"closure of {' '.join(packages)}", ask).splitlines()

    def unpack_with_dependencies(self, packages: Sequence[str], target: Path) -> None:
        """Unpacks packages and all they need, without running any package's scripts."""
        self._ready()
        archives = self._home / "cache" / "archives"
        run(
            self._command("apt-get", ["-q", "-y", "--download-only", "install", *packages]),
            limit=900,
            log=self._log(),
        )
        names = {entry.split()[0] for entry in self.closure(packages)}
        for deb in sorted(archives.glob("*.deb")):
            if deb.name.split("_")[0] in names:
                run(["dpkg", "-x", deb, target], limit=120, log=self._log())
            deb.unlink()

    def unpack(self, package: str, target: Path) -> None:
        """Unpacks one package."""
        self._ready()
        with cache.scratch("deb") as place:
            run(self._command("apt-get", ["-q", "download", package]), cwd=place, limit=900, log=self._log())
            for deb in place.glob("*.deb"):
                run(["dpkg", "-x", deb, target], limit=300, log=self._log())

    def unpack_file(self, package: str, pattern: str, target: Path) -> None:
        """Unpacks the files of a package that a shell pattern fits, without writing the others anywhere."""
        self._ready()
        with cache.scratch("deb") as place:
            run(self._command("apt-get", ["-q", "download", package]), cwd=place, limit=900, log=self._log())
            (deb,) = place.glob("*.deb")
            words = ["dpkg-deb --fsys-tarfile", str(deb), "|", "tar -x --wildcards -C", str(target), f"'{pattern}'"]
            run(["bash", "-o", "pipefail", "-c", " ".join(words)], limit=600, log=self._log())

    def unpack_source_file(self, package: str, pattern: str, target: Path) -> None:
        """Unpacks the files of a source package's upstream part that a shell pattern fits, all into `target` itself."""
        self._ready()
        with cache.scratch("source") as place:
            download = self._command("apt-get", ["-q", "source", "--download-only", "--tar-only", package])
            run(download, cwd=place, limit=900, log=self._log())
            (tarball,) = place.glob("*.orig.tar.*")
            unpack: list[str | Path] = ["tar", "-x", "-f", tarball, "-C", place, "--wildcards", pattern]
            run(unpack, limit=300, log=self._log())
            for file in place.glob(pattern):
                file.rename(target / file.name)

    def unpack_source(self, package: str, target: Path) -> None:
        """Unpacks a source package, with Debian's changes, into a directory that must not exist."""
        self._ready()
        with cache.scratch("source") as place:
            run(
                self._command("apt-get", ["-q", "source", "--download-only", package]),
                cwd=place,
                limit=900,
                log=self._log(),
            )
            (description,) = place.glob("*.dsc")
            run(["dpkg-source", "--no-check", "-x", description, target], cwd=place, limit=300, log=self._log())


BOOKWORM = Archive("bookworm")
TRIXIE = Archive("trixie")
BULLSEYE = Archive("bullseye", sources=False)
UNSTABLE = Archive("sid", released=False, sources=False)
BOOKWORM_ARM64 = Archive("bookworm", sources=False, architecture="arm64")

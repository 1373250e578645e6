/// A name of QEMU's that changed, in all the spellings there were.
struct VersionedName: Hashable, Sendable {
  struct Spelling: Hashable, Sendable {
    let name: String
    /// The releases that have it.
    let releases: String
    /// The file that shows it.
    let source: String
  }

  /// What is called so.
  let subject: String
  /// Newest first.
  let spellings: [Spelling]

  var names: [String] { spellings.map(\.name) }
}

/// How QEMU's releases from 5.2 on differ in the names by which a machine is found. All else is
/// called the same in all of them; where things lie, the program's own debug information tells.
enum MachineNames {
  /// The list of all CPUs.
  static let cpuList = VersionedName(
    subject: "CPU list",
    spellings: [
      .init(name: "cpus_queue", releases: "8.2 and later", source: "cpu-common.c, include/hw/core/cpu.h"),
      .init(name: "cpus", releases: "up to 8.1", source: "cpus-common.c; cpu-common.c in 8.1"),
    ])

  /// The structure of an x86 CPU.
  static let x86CPU = VersionedName(
    subject: "x86 CPU",
    spellings: [
      .init(name: "ArchCPU", releases: "7.0 and later", source: "target/i386/cpu.h"),
      .init(
        name: "X86CPU", releases: "up to 6.2; a typedef of ArchCPU since",
        source: "target/i386/cpu-qom.h"),
    ])

  static let all = [cpuList, x86CPU]
}

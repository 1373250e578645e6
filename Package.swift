// swift-tools-version: 6.2
import PackageDescription

/// What every target of Varve's own is compiled with.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name), "TestWorlds"] + dependencies,
    resources: resources, swiftSettings: strict)
}

let package = Package(
  name: "varve",
  products: [
    .library(name: "Varve", targets: ["Varve"]),
    .executable(name: "varve", targets: ["VarveCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // C libraries, each behind a thin wrapper.
    .systemLibrary(
      name: "CElfutils", pkgConfig: "libdw", providers: [.apt(["libdw-dev", "libdebuginfod-dev"])]),
    .systemLibrary(name: "CIberty", providers: [.apt(["libiberty-dev"])]),
    .systemLibrary(
      name: "CCompression",
      providers: [
        .apt([
          "zlib1g-dev", "libzstd-dev", "liblzma-dev", "liblz4-dev", "liblzo2-dev", "libsnappy-dev",
        ])
      ]),

    // Linux system calls that the Glibc module leaves out.
    .systemLibrary(name: "CLinux"),

    // Rooms, lowest first: a room imports only those above it in this list.
    room("Bytes"),
    room(
      "HostSystem", ["Bytes", "CLinux", .product(name: "SystemPackage", package: "swift-system")]),
    room("Compression", ["Bytes", "CCompression"]),
    room("ObjectFiles", ["Bytes"]),
    room("Unwinding", ["Bytes"]),
    room("Symbols", ["Bytes", "ObjectFiles", "Unwinding", "CElfutils", "CIberty"]),
    room("DebugFiles", ["Bytes", "HostSystem", "Compression", "ObjectFiles", "CElfutils"]),
    room(
      "Targets",
      ["Bytes", "HostSystem", "Compression", "ObjectFiles", "Unwinding", "Symbols", "DebugFiles"]),
    room(
      "QEMUProcess", ["Bytes", "DebugFiles", "ObjectFiles", "Unwinding", "Symbols", "Targets"]),
    // Files that hold a machine's memory: dumps to read, and the writers of new ones.
    room(
      "MachineDumps",
      [
        "Bytes", "HostSystem", "Compression", "ObjectFiles", "Unwinding", "Targets",
      ]),
    room("LinuxGuest", ["Bytes", "ObjectFiles", "Unwinding", "Symbols", "Targets"]),
    // Positions in a recording and reverse execution over any engine that replays it.
    room("TimeTravel", ["Bytes", "HostSystem"]),
    // QEMU's machine protocol (QMP).
    room("QEMUMonitor", ["Bytes", "HostSystem"]),
    // The GDB remote serial protocol, without sockets.
    room("GDBRemote", ["Bytes"]),
    // QEMU as the engine of recordings and replays.
    room(
      "QEMUReplay",
      ["Bytes", "HostSystem", "ObjectFiles", "GDBRemote", "TimeTravel", "QEMUMonitor"]),
    room(
      "Reports",
      [
        "Bytes", "ObjectFiles", "Unwinding", "Symbols", "Targets", "QEMUProcess", "MachineDumps",
        "LinuxGuest", "TimeTravel", "QEMUReplay",
      ]),
    room(
      "Varve",
      [
        "Bytes", "HostSystem", "ObjectFiles", "Unwinding", "Symbols", "DebugFiles", "Targets",
        "QEMUProcess", "MachineDumps", "LinuxGuest", "QEMUMonitor", "GDBRemote",
        "TimeTravel", "QEMUReplay", "Reports",
      ]),
    .executableTarget(
      name: "VarveCommand",
      dependencies: ["Varve", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),

    .target(
      name: "TestWorlds", dependencies: ["Bytes", "ObjectFiles"], path: "Tests/TestWorlds",
      swiftSettings: strict),
    tests("Bytes"),
    tests("HostSystem"),
    tests("Compression"),
    tests("ObjectFiles"),
    tests("Unwinding"),
    tests("Symbols"),
    tests("DebugFiles"),
    tests("Targets"),
    tests(
      "QEMUProcess",
      ["Bytes", "DebugFiles", "HostSystem", "ObjectFiles", "Symbols", "Targets", "Unwinding"]),
    tests(
      "MachineDumps",
      ["Bytes", "HostSystem", "Compression", "ObjectFiles", "Targets", "QEMUMonitor"]),
    tests(
      "LinuxGuest",
      ["Bytes", "HostSystem", "MachineDumps", "ObjectFiles", "Symbols", "Targets", "Unwinding"]),
    tests("TimeTravel", ["Bytes"]),
    tests("QEMUMonitor", ["HostSystem"]),
    tests("GDBRemote", ["Bytes", "HostSystem"], resources: [.copy("Transcripts")]),
    tests("QEMUReplay", ["Bytes", "GDBRemote", "HostSystem", "QEMUMonitor", "TimeTravel"]),
    tests("Reports"),
    tests("Varve", ["Targets"]),
    tests("VarveCommand", ["Varve"]),
    // What Varve says of the laboratory's real dumps, compared with what other tools say.
    .testTarget(
      name: "LaboratoryTests", dependencies: ["Varve", "TestWorlds"], swiftSettings: strict),
  ]
)

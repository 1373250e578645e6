import Foundation
import TestWorlds
import Testing
import Varve

/// `varve record` and `varve replay` on aarch64.
@Suite("Recordings of aarch64", .enabled(if: RecordedProcessor.arm.isPossible), .serialized)
struct RecordingOnARMTests {
  @Test func stateIsTheSameByEveryWay() async throws {
    try await RecordedGuest(.arm, ["-M", "virt"]).expectSameStateByEveryWay()
  }

  @Test func debuggerGoesBack() throws {
    let guest = try RecordedGuest(.arm, ["-M", "virt"])
    _ = try guest.record()
    try guest.expectDebuggerGoesBack()
  }
}

/// The controllers and network cards that are recorded, each at work: what SeaBIOS's and iPXE's drivers ask
/// of them. Replays that begin at snapshots come to the same states.
@Suite("Recorded devices", .enabled(if: RecordedGuest.isPossible), .serialized)
struct RecordedDevicesTests {
  struct Device: CustomTestStringConvertible {
    let testDescription: String
    let options: [String]
    /// Only where everything is wanted.
    var isSlow = false
  }

  private static func wanted(_ devices: [Device]) -> [Device] {
    devices.filter { !$0.isSlow || LaboratoryManifest.isEverythingWanted }
  }

  private static let drive = ["-drive", "file={directory}/disk.img,format=raw"]
  private static let nodes = [
    "-blockdev", "driver=file,node-name=f,filename={directory}/disk.img", "-blockdev",
    #"{"driver":"raw","node-name":"d","file":"f"}"#,
  ]

  static let disks = wanted([
    Device(testDescription: "ide", options: ["-M", "pc"] + drive, isSlow: true),
    Device(testDescription: "ahci", options: ["-M", "q35"] + drive),
    Device(
      testDescription: "virtio-blk",
      options: ["-M", "pc"] + nodes + ["-device", #"{"driver":"virtio-blk-pci","drive":"d"}"#]),
    Device(
      testDescription: "virtio-scsi",
      options: ["-M", "pc"] + nodes + ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=d"],
      isSlow: true),
  ])

  @Test(arguments: disks)
  func disk(_ device: Device) async throws {
    let image = try DiskExerciser.image()
    let guest = try RecordedGuest(
      firmware: device.options, image: image, until: DiskExerciser.lastLine)
    try await guest.expectSameStateByEveryWay()
    #expect(try guest.scratch.read("disk.img") == image)
  }

  /// A flash chip that can be written: QEMU crashes if it restores twice without a run between.
  @Test func flash() async throws {
    let firmware = try Data(contentsOf: URL(filePath: "/usr/share/seabios/bios-256k.bin"))
    let guest = try RecordedGuest(
      firmware: ["-M", "q35,graphics=off,pflash0=d"] + Self.nodes, image: Array(firmware),
      until: "SeaBIOS")
    try await guest.expectSameStateByEveryWay()
    #expect(try guest.scratch.read("disk.img") == Array(firmware))
  }

  static let cards = wanted([
    Device(testDescription: "rtl8139", options: []),
    Device(testDescription: "virtio-net-pci", options: []),
    Device(testDescription: "ne2k_pci", options: [], isSlow: true),
    Device(testDescription: "i82550", options: [], isSlow: true),
    Device(testDescription: "vmxnet3", options: [], isSlow: true),
    Device(testDescription: "pcnet", options: [], isSlow: true),
  ])

  /// iPXE asks QEMU's own network for an address.
  @Test(arguments: cards)
  func card(_ device: Device) async throws {
    let guest = try RecordedGuest(
      firmware: [
        "-M", "pc,graphics=off", "-boot", "n", "-netdev", "user,id=n", "-device",
        "\(device.testDescription),netdev=n,bootindex=0",
      ], image: [], until: "net0: 10.0.2.15")
    try await guest.expectSameStateByEveryWay()
  }
}
